-- get_related(product_id integer)
--
-- The ids of a product's related products in the order of their file, duplicates kept, as
-- a JSON array; NULL for an id that no product has.
-- Indexes: products_pkey, related_by_product.
SELECT
  load.number,
  load.digest,
  (
    SELECT (
      SELECT coalesce(json_agg(related_product_id ORDER BY related.position), '[]')::text
      FROM catalogue.related
      WHERE related.current_product_id = products.id
    )
    FROM catalogue.products
    WHERE products.id = $1
  ) AS body
FROM catalogue.published_load AS load
