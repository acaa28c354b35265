-- Whether a session is still there.
SELECT EXISTS (
  SELECT FROM pg_stat_activity WHERE pid = %(pid)s AND backend_start = %(backend_start)s
)
