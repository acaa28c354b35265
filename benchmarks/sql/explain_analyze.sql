-- The plan of the statement that follows, run, with its times and blocks.
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
