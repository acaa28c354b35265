-- A table like the one that is served, without keys and indexes, which come after the rows.
CREATE TABLE {schema}.{table} (LIKE catalogue.{table} INCLUDING ALL EXCLUDING INDEXES)
