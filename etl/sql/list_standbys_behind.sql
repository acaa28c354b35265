-- The standbys that follow, and have not replayed all up to a position. Where the role may not read
-- how far they are (it takes pg_read_all_stats), there is none. Who takes changes by logical
-- replication replays nothing, and need not confirm what is none of its own.
SELECT application_name
FROM pg_stat_replication
WHERE
  replay_lsn < %(written)s
  AND NOT EXISTS (
    SELECT FROM pg_replication_slots WHERE active_pid = pid AND slot_type = 'logical'
  )
ORDER BY application_name
