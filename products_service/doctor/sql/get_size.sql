-- The bytes that the served catalogue takes, and where the server keeps its data: NULL where it
-- runs on another machine (we came over the network) or where we may not know.
SELECT
  (
    SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint
    FROM pg_class
    WHERE pg_class.relnamespace = 'catalogue'::regnamespace AND pg_class.relkind = 'r'
  ),
  (SELECT setting FROM pg_settings WHERE name = 'data_directory' AND inet_server_addr() IS NULL)
