-- What the styles are and how they follow one another: see digest_rows.sql. Prices are hashed as
-- text, since 19.9 and 19.90 are served as such.
SELECT count(*), coalesce(sum(hash_record_extended(line, 1)), 0)::text
FROM (
  SELECT ROW(
    lag(id) OVER (PARTITION BY product_id ORDER BY position),
    id, product_id, name, sale_price::text, original_price::text, default_style
  ) AS line
  FROM {schema}.{table}
) AS lines
