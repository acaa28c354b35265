-- The plan of the statement that follows, which is not run.
EXPLAIN (FORMAT JSON)
