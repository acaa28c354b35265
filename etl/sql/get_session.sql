-- What a session is told from all others by; asked as the role that logged in, which may see it.
SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
