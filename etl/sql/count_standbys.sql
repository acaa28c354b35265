-- The standbys that follow, as far as the role may see them.
SELECT count(*)
FROM pg_stat_replication
WHERE replay_lsn IS NOT NULL
