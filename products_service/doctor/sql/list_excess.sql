-- What this session's role may do beyond reading: privilege, and what it is on.
SELECT wanted.privilege, format('%I.%I', pg_namespace.nspname, pg_class.relname)
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
CROSS JOIN (VALUES ('INSERT'), ('UPDATE')) AS wanted (privilege)
WHERE pg_namespace.nspname IN ('catalogue', 'etl')
  AND pg_class.relkind = 'r'
  AND has_any_column_privilege(pg_class.oid, wanted.privilege)
UNION ALL
SELECT wanted.privilege, format('%I.%I', pg_namespace.nspname, pg_class.relname)
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
CROSS JOIN (VALUES ('DELETE'), ('TRUNCATE')) AS wanted (privilege)
WHERE pg_namespace.nspname IN ('catalogue', 'etl')
  AND pg_class.relkind = 'r'
  AND has_table_privilege(pg_class.oid, wanted.privilege)
UNION ALL
SELECT 'CREATE', format('SCHEMA %I', pg_namespace.nspname)
FROM pg_namespace
WHERE pg_namespace.nspname IN ('catalogue', 'etl')
  AND has_schema_privilege(pg_namespace.oid, 'CREATE')
UNION ALL
SELECT 'CREATE', format('DATABASE %I', current_database())
WHERE has_database_privilege(current_database(), 'CREATE')
ORDER BY 2, 1
