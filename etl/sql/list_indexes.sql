-- The indexes of the catalogue that is served: name, table, whether it is a key's, whether it is
-- valid, bytes, and how often it was used since it was built or statistics were last reset.
SELECT
  index.relname,
  indexed.relname,
  EXISTS (SELECT FROM pg_constraint WHERE conindid = index.oid AND contype IN ('p', 'u')),
  pg_index.indisvalid,
  pg_relation_size(index.oid),
  coalesce(pg_stat_user_indexes.idx_scan, 0)
FROM pg_index
JOIN pg_class AS index ON index.oid = pg_index.indexrelid
JOIN pg_class AS indexed ON indexed.oid = pg_index.indrelid
LEFT JOIN pg_stat_user_indexes ON pg_stat_user_indexes.indexrelid = index.oid
WHERE index.relnamespace = 'catalogue'::regnamespace
ORDER BY indexed.relname, NOT pg_index.indisprimary, index.relname
