-- Where the rows of an upsert wait until they are merged: a table of the session's own, which no dump
-- locks. That of a file which the folder lacks stays empty.
CREATE TEMPORARY TABLE {table}
  (LIKE catalogue.{table} INCLUDING ALL EXCLUDING INDEXES, deleted boolean)
