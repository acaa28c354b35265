-- Where the files of a schema lie, if the server runs on this machine (we came by a socket) and if
-- we may know: others than members of pg_read_all_settings see nothing.
SELECT pg_settings.setting, pg_relation_filepath(pg_class.oid)
FROM pg_settings
CROSS JOIN pg_class
WHERE pg_settings.name = 'data_directory'
  AND inet_server_addr() IS NULL
  AND pg_class.relnamespace = %(schema)s::regnamespace
  AND pg_class.relkind IN ('r', 'i')
