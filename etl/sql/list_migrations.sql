-- The migrations that are in force.
SELECT string_agg(version, ' ' ORDER BY version) FROM public.schema_migrations
