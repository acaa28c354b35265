-- The bytes that the served catalogue takes; those of others, which a load removes before it begins;
-- and where the server keeps this database: NULL where it runs on another machine (we came over the
-- network) or where we may not know.
SELECT
  coalesce(sum(size) FILTER (WHERE schema = 'catalogue'), 0)::bigint,
  coalesce(sum(size) FILTER (WHERE schema <> 'catalogue'), 0)::bigint,
  (
    SELECT coalesce(nullif(pg_tablespace_location(pg_database.dattablespace), ''), pg_settings.setting)
    FROM pg_database
    LEFT JOIN pg_settings ON pg_settings.name = 'data_directory'
    WHERE pg_database.datname = current_database() AND inet_server_addr() IS NULL
  )
FROM (
  SELECT relnamespace::regnamespace::text AS schema, pg_total_relation_size(oid) AS size
  FROM pg_class
  WHERE relkind = 'r'
) AS sizes
WHERE schema IN ('catalogue', 'catalogue_previous', 'catalogue_next')
