-- How many more sessions the server takes from roles that are no superusers.
SELECT
  current_setting('max_connections')::integer
  - current_setting('superuser_reserved_connections')::integer
  - coalesce(current_setting('reserved_connections', true)::integer, 0) -- from PostgreSQL 16 on
  - count(*)::integer
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
