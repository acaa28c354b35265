-- What the products are, whatever their order: how many, and the sum of their rows' hashes.
SELECT count(*), coalesce(sum(hash_record_extended(line, 1)), 0)::text
FROM (
  SELECT ROW(id, name, slogan, description, category, default_price::text) AS line
  FROM {schema}.{table}
) AS lines
