-- A primary key less.
ALTER TABLE benchmark_index.{table} DROP CONSTRAINT {index}
