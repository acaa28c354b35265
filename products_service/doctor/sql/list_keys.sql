-- The constraints of the served catalogue, primary (p) and foreign (f) keys among them: table, kind,
-- name, first column, the table referred to, whether it holds for every row.
SELECT
  tables.relname,
  pg_constraint.contype::text,
  pg_constraint.conname,
  (
    SELECT pg_attribute.attname
    FROM pg_attribute
    WHERE pg_attribute.attrelid = tables.oid AND pg_attribute.attnum = pg_constraint.conkey[1]
  ),
  parents.relname,
  pg_constraint.convalidated
FROM pg_constraint
JOIN pg_class AS tables ON tables.oid = pg_constraint.conrelid
LEFT JOIN pg_class AS parents ON parents.oid = pg_constraint.confrelid
WHERE tables.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'catalogue')
ORDER BY tables.relname, pg_constraint.conname
