-- Whether the database is migrated. Asks the system's own tables, which need no privilege.
SELECT EXISTS (
  SELECT
  FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
  WHERE pg_namespace.nspname = 'catalogue' AND pg_class.relname = 'published_load'
)
