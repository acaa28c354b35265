-- A table like the one that is served, without keys and indexes, which come after the rows.
-- Unlogged: read like any other, but a copy of gigabytes does not go through the WAL to standbys.
CREATE UNLOGGED TABLE benchmark_index.{table} (
  LIKE catalogue.{table} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY
)
