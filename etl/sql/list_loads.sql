-- The loads that were published, newest first.
SELECT
  number,
  mode,
  date_trunc('second', published_at)::text AS published_at,
  round(extract(epoch FROM published_at - started_at), 1)::float AS seconds,
  source,
  digest,
  tables
FROM etl.loads
ORDER BY number DESC
LIMIT %(limit)s
