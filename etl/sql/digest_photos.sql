-- What the photos are and how they follow one another: see digest_features.sql.
SELECT count(*), coalesce(sum(hash_record_extended(line, 1)), 0)::text
FROM (
  SELECT ROW(
    lag(id) OVER (PARTITION BY style_id ORDER BY position),
    id, style_id, url, thumbnail_url
  ) AS line
  FROM {schema}.{table}
) AS lines
