-- The standbys that follow, and have not replayed all up to a position. Where the role may not read
-- how far they are (it takes pg_read_all_stats), there is none.
SELECT application_name
FROM pg_stat_replication
WHERE replay_lsn < %(written)s
ORDER BY application_name
