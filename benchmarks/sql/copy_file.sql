-- For psql: a table of the floor and its rows. In one transaction, so that PostgreSQL may leave them
-- out of its log, and freeze them, as it does for a load.
BEGIN;
CREATE TABLE benchmark_floor.{table} (LIKE catalogue.{table} INCLUDING ALL EXCLUDING INDEXES);
\copy benchmark_floor.{table} ({columns}) FROM '{file}' WITH (FORMAT csv, HEADER, NULL 'null', FREEZE)
COMMIT;
