-- get_product_page(product_id integer, styles boolean, related boolean)
--
-- One product as get_product has it and, where they are asked for, its styles as get_styles has
-- them and cards of its related products in the order of get_related, as a JSON object; NULL for
-- an id that no product has. A card's sale price and thumbnail are those of the first default
-- style in the order of the file, else of the first style.
-- Indexes: products_pkey, features_by_product, styles_by_product, photos_by_style, skus_by_style,
-- related_by_product.
SELECT
  load.number,
  load.digest,
  (
    -- Keys that were not asked for are left out, which no function that makes an object can do.
    SELECT
      left(row_to_json(product)::text, -1)
      || CASE WHEN $2 THEN ',"styles":' || (
        SELECT coalesce(json_agg(row_to_json(style)), '[]')::text
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
          WHERE styles.product_id = product.id
          ORDER BY styles.position
        ) AS style
      ) ELSE '' END
      || CASE WHEN $3 THEN ',"related":' || (
        SELECT coalesce(json_agg(row_to_json(card) ORDER BY related.position), '[]')::text
        FROM catalogue.related
        JOIN catalogue.products AS other ON other.id = related.related_product_id
        LEFT JOIN LATERAL (
          SELECT
            styles.sale_price,
            (
              SELECT thumbnail_url
              FROM catalogue.photos
              WHERE photos.style_id = styles.id
              ORDER BY photos.position
              LIMIT 1
            ) AS thumbnail_url
          FROM catalogue.styles
          WHERE styles.product_id = other.id
          ORDER BY styles.default_style DESC, styles.position
          LIMIT 1
        ) AS shown ON true
        CROSS JOIN LATERAL (
          SELECT
            other.id,
            other.name,
            other.category,
            other.default_price::text AS default_price,
            shown.sale_price::text AS sale_price,
            shown.thumbnail_url
        ) AS card
        WHERE related.current_product_id = product.id
      ) ELSE '' END
      || '}'
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
