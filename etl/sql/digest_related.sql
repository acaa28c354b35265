-- What the related are and how they follow one another: see digest_features.sql.
SELECT count(*), coalesce(sum(hash_record_extended(line, 1)), 0)::text
FROM (
  SELECT ROW(
    lag(id) OVER (PARTITION BY current_product_id ORDER BY position),
    id, current_product_id, related_product_id
  ) AS line
  FROM {schema}.{table}
) AS lines
