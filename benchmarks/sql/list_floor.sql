-- What takes the floor's tables from their rows to where a load has them, by the definitions of what
-- is served: step, statement. The order within a step is that of the tables' names.
WITH chosen AS (
  SELECT oid, relname
  FROM pg_class
  WHERE relnamespace = 'catalogue'::regnamespace AND relname = ANY(%(tables)s)
)
SELECT
  CASE contype WHEN 'p' THEN 'primary keys' ELSE 'foreign keys' END AS step,
  format(
    'ALTER TABLE benchmark_floor.%%I ADD %%s;',
    relname,
    replace(pg_get_constraintdef(pg_constraint.oid), 'REFERENCES catalogue.', 'REFERENCES benchmark_floor.')
  ) AS statement,
  relname
FROM chosen
JOIN pg_constraint ON conrelid = chosen.oid
WHERE contype IN ('p', 'f')
UNION ALL
SELECT
  'indexes',
  replace(pg_get_indexdef(indexrelid), ' ON catalogue.', ' ON benchmark_floor.') || ';',
  relname
FROM chosen
JOIN pg_index ON indrelid = chosen.oid
WHERE NOT indisprimary
UNION ALL
SELECT 'analyse', format('ANALYZE benchmark_floor.%%I;', relname), relname
FROM chosen
ORDER BY relname, statement
