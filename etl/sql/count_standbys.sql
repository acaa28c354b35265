-- The standbys that follow, as far as the role may see them; by logical replication, none does.
SELECT count(*)
FROM pg_stat_replication
WHERE
  replay_lsn IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM pg_replication_slots WHERE active_pid = pid AND slot_type = 'logical'
  )
