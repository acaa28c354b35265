-- The indexes that are served: name, table, whether it is the primary key's, bytes.
SELECT
  index.relname,
  indexed.relname,
  pg_index.indisprimary,
  pg_relation_size(index.oid)
FROM pg_index
JOIN pg_class AS index ON index.oid = pg_index.indexrelid
JOIN pg_class AS indexed ON indexed.oid = pg_index.indrelid
WHERE index.relnamespace = 'catalogue'::regnamespace AND indexed.relkind = 'r'
ORDER BY NOT pg_index.indisprimary, indexed.relname, index.relname
