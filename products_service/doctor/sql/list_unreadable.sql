-- What of the served catalogue this session's role may not read, or of the functions that search it.
SELECT format('SCHEMA %I', pg_namespace.nspname)
FROM pg_namespace
WHERE pg_namespace.nspname IN ('catalogue', 'search') AND NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
UNION ALL
SELECT format('%I.%I', pg_namespace.nspname, pg_class.relname)
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE pg_namespace.nspname = 'catalogue'
  AND pg_class.relkind = 'r'
  AND NOT has_table_privilege(pg_class.oid, 'SELECT')
ORDER BY 1
