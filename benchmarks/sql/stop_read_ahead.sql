-- No reading ahead, until the transaction ends. PostgreSQL 18 shares out the blocks that a session may
-- hold: the outermost of nested scans take them for their reading ahead, and leave the inner ones,
-- which read most, a block at a time.
SET LOCAL effective_io_concurrency = 0
