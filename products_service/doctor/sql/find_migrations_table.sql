-- Whether any migration was ever applied.
SELECT EXISTS (
  SELECT
  FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
  WHERE pg_namespace.nspname = 'public' AND pg_class.relname = 'schema_migrations'
)
