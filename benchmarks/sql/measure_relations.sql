-- The tables and indexes that are served: name, kind (table or index), rows as last analysed (null: never), bytes.
SELECT
  relname,
  CASE relkind WHEN 'r' THEN 'table' ELSE 'index' END,
  CASE relkind WHEN 'r' THEN nullif(reltuples, -1)::bigint END,
  pg_table_size(oid)
FROM pg_class
WHERE relnamespace = 'catalogue'::regnamespace AND relkind IN ('r', 'i')
ORDER BY pg_table_size(oid) DESC, relname
