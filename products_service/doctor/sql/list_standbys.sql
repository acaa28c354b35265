-- The standbys of this primary: name, state, bytes not yet replayed and seconds behind; backups that
-- run are none, nor is who takes changes by logical replication. The state is NULL for who is no
-- member of pg_monitor.
SELECT
  application_name,
  state,
  coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint,
  coalesce(extract(epoch FROM replay_lag), 0)::float
FROM pg_stat_replication
WHERE
  state IS DISTINCT FROM 'backup'
  AND NOT EXISTS (
    SELECT FROM pg_replication_slots WHERE active_pid = pid AND slot_type = 'logical'
  )
ORDER BY application_name
