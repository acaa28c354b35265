-- get_styles(product_id integer)
--
-- The styles of a product, each with its photos and its skus keyed by sku id, all in the
-- order of their files, as a JSON object; NULL for an id that no product has. A style
-- without photos or skus gets the Atelier API's form of null, which front ends rely on.
-- Indexes: products_pkey, styles_by_product, photos_by_style, skus_by_style.
SELECT
  load.number,
  load.digest,
  (
    SELECT row_to_json(answer)::text
    FROM (
      SELECT
        products.id::text AS product_id,
        (
          SELECT coalesce(json_agg(row_to_json(style)), '[]')
          FROM (
            SELECT
              styles.id AS style_id,
              styles.name,
              styles.original_price::text AS original_price,
              styles.sale_price::text AS sale_price,
              styles.default_style AS "default?",
              coalesce(
                (
                  SELECT json_agg(row_to_json(photo))
                  FROM (
                    SELECT thumbnail_url, url
                    FROM catalogue.photos
                    WHERE photos.style_id = styles.id
                    ORDER BY photos.position
                  ) AS photo
                ),
                '[{"thumbnail_url":null,"url":null}]'
              ) AS photos,
              coalesce(
                (
                  SELECT json_object_agg(skus.id, row_to_json(sku) ORDER BY skus.position)
                  FROM catalogue.skus
                  CROSS JOIN LATERAL (SELECT skus.quantity, skus.size) AS sku
                  WHERE skus.style_id = styles.id
                ),
                '{"null":{"quantity":null,"size":null}}'
              ) AS skus
            FROM catalogue.styles
            WHERE styles.product_id = products.id
            ORDER BY styles.position
          ) AS style
        ) AS results
      FROM catalogue.products
      WHERE products.id = $1
    ) AS answer
  ) AS body
FROM catalogue.published_load AS load
