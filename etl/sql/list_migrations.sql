-- The migrations that are in force; NULL where dbmate's table is not ours to read.
SELECT string_agg(version, ' ' ORDER BY version) FROM public.schema_migrations
