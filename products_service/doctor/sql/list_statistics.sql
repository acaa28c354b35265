-- What the planner knows of the served tables: rows, -1 where it was never told; how many rows were
-- changed since, and how many minutes ago it was told. A session reports its changes a while
-- later: they may be counted although they came before.
SELECT
  pg_class.relname,
  pg_class.reltuples::bigint,
  coalesce(pg_stat_get_mod_since_analyze(pg_class.oid), 0),
  coalesce(
    extract(
      epoch FROM clock_timestamp() - greatest(
        pg_stat_get_last_analyze_time(pg_class.oid),
        pg_stat_get_last_autoanalyze_time(pg_class.oid)
      )
    ) / 60,
    'infinity'
  )::float
FROM pg_class
WHERE pg_class.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'catalogue')
  AND pg_class.relkind = 'r'
  AND pg_class.relname <> 'published_load'
ORDER BY pg_class.relname
