-- The session that holds the lock of lock_loads.sql.
SELECT activity.pid, date_trunc('second', activity.backend_start)::text
FROM pg_locks
JOIN pg_stat_activity AS activity USING (pid)
WHERE pg_locks.locktype = 'advisory'
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pg_locks.classid = hashtext('products_service etl')::bigint & 4294967295
  AND pg_locks.objid = 1
  AND pg_locks.granted
