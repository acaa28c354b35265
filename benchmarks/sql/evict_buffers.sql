-- Take the copy's blocks out of the server's own cache; how many there were.
SELECT count(*)
FROM (
  SELECT pg_buffercache_evict(bufferid)
  FROM pg_buffercache
  WHERE reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relfilenode IN (
      SELECT pg_relation_filenode(oid)
      FROM pg_class
      WHERE relnamespace = 'benchmark_index'::regnamespace AND relkind IN ('r', 'i')
    )
  OFFSET 0
) AS evicted
