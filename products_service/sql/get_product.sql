-- get_product(product_id integer)
--
-- One product with its features in the order of their file, as a JSON object; NULL for
-- an id that no product has.
-- Indexes: products_pkey, features_by_product.
SELECT
  load.number,
  load.digest,
  (
    SELECT row_to_json(product)::text
    FROM (
      SELECT
        id, name, slogan, description, category, default_price::text AS default_price,
        (
          SELECT coalesce(json_agg(row_to_json(entry)), '[]')
          FROM (
            SELECT feature, value
            FROM catalogue.features
            WHERE features.product_id = products.id
            ORDER BY features.position
          ) AS entry
        ) AS features
      FROM catalogue.products
      WHERE products.id = $1
    ) AS product
  ) AS body
FROM catalogue.published_load AS load
