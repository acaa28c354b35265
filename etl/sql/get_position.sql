-- How far the server's log is on disk, which is the end of a record. That of what is not may be within
-- the head of a page, which no standby reports before something else is written.
SELECT pg_current_wal_flush_lsn()::text
