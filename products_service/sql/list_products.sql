-- list_products(page integer, count integer)
--
-- One page of the products in id order, as a JSON array; an empty array past the end.
-- Reads products_pkey from its beginning to the end of the page.
SELECT
  load.number,
  load.digest,
  (
    SELECT coalesce(json_agg(row_to_json(product)), '[]')::text
    FROM (
      SELECT id, name, slogan, description, category, default_price::text AS default_price
      FROM catalogue.products
      ORDER BY products.id
      LIMIT $2 OFFSET ($1 - 1)::bigint * $2
    ) AS product
  ) AS body
FROM catalogue.published_load AS load
