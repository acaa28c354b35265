-- What the features are and how they follow one another within their product: each row is hashed
-- together with the id of the row before it. A sum, so that a change of a few rows can be reckoned
-- from those rows alone. Prices elsewhere are hashed as text, since 19.9 and 19.90 are served as such.
SELECT count(*), coalesce(sum(hash_record_extended(line, 1)), 0)::text
FROM (
  SELECT ROW(
    lag(id) OVER (PARTITION BY product_id ORDER BY position),
    id, product_id, feature, value
  ) AS line
  FROM {schema}.{table}
) AS lines
