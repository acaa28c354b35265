-- Which PostgreSQL this is, as whom one is in, whether it is a standby.
SELECT
  current_setting('server_version'),
  current_setting('server_version_num')::integer,
  current_user::text,
  pg_is_in_recovery()
