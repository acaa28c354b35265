-- What the skus are and how they follow one another: see digest_features.sql.
SELECT count(*), coalesce(sum(hash_record_extended(line, 1)), 0)::text
FROM (
  SELECT ROW(
    lag(id) OVER (PARTITION BY style_id ORDER BY position),
    id, style_id, size, quantity
  ) AS line
  FROM {schema}.{table}
) AS lines
