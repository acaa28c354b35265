ALTER TABLE catalogue_next.{table} ADD PRIMARY KEY (id)
