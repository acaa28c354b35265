-- Where the server keeps this database, if it runs on this machine (we came by a socket) and if we
-- may know: others than members of pg_read_all_settings see nothing of the data directory.
SELECT (
  SELECT coalesce(nullif(pg_tablespace_location(pg_database.dattablespace), ''), pg_settings.setting)
  FROM pg_database
  LEFT JOIN pg_settings ON pg_settings.name = 'data_directory'
  WHERE pg_database.datname = current_database() AND inet_server_addr() IS NULL
)
