-- The indexes of the served catalogue: name, table, whether it is fit for use.
SELECT
  pg_class.relname,
  tables.relname,
  pg_index.indisvalid AND pg_index.indisready AND pg_index.indislive
FROM pg_index
JOIN pg_class ON pg_class.oid = pg_index.indexrelid
JOIN pg_class AS tables ON tables.oid = pg_index.indrelid
WHERE tables.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'catalogue')
ORDER BY pg_class.relname
