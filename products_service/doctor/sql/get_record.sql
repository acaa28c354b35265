-- When the served load was published, and the rows of all its tables, as it was recorded.
SELECT
  to_char(loads.published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
  (
    SELECT sum((recorded.value ->> 'rows')::bigint)::bigint
    FROM jsonb_each(loads.tables) AS recorded
  )
FROM catalogue.published_load AS load
JOIN etl.loads USING (number, digest)
