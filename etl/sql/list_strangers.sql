-- What stands in the schema that is served and no load would make anew: it would be dropped with it.
-- The types and sequences of tables, and the arrays of types, are parts of those.
SELECT relname AS name
FROM pg_class
WHERE relnamespace = 'catalogue'::regnamespace
  AND (
    relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
    OR relkind = 'S' AND NOT EXISTS (
      SELECT FROM pg_depend
      WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('a', 'i')
    )
  )
  AND relname <> ALL (%(tables)s)
UNION ALL
SELECT proname FROM pg_proc WHERE pronamespace = 'catalogue'::regnamespace
UNION ALL
SELECT typname
FROM pg_type
WHERE typnamespace = 'catalogue'::regnamespace AND typtype IN ('d', 'e', 'r')
ORDER BY name
