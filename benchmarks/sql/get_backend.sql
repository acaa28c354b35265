-- The process of this session on the server's machine.
SELECT pg_backend_pid()
