-- Whether the server is a standby; how many bytes it has received and not yet replayed; how many
-- seconds ago the last transaction that it has replayed was committed, 0 where nothing is left. One
-- that was started again asks for its last file from its beginning: it has replayed more than that.
SELECT
  pg_is_in_recovery(),
  greatest(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint,
  CASE
    WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
    ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float
  END
