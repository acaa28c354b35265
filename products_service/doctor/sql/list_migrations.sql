-- The migrations that are in force.
SELECT version FROM public.schema_migrations ORDER BY version
