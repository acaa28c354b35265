-- Where the server keeps its data, if it runs on this machine (we came by a socket) and if we may
-- know: others than members of pg_read_all_settings see nothing.
SELECT (
  SELECT setting FROM pg_settings WHERE name = 'data_directory' AND inet_server_addr() IS NULL
)
