ALTER TABLE catalogue_next.{table} ADD FOREIGN KEY ({column}) REFERENCES catalogue_next.{parent}
