-- list_products_by_ids(ids integer[])
--
-- The products of these ids in their order, as a JSON array; ids that no product has are left out.
-- Index: products_pkey.
SELECT
  load.number,
  load.digest,
  (
    SELECT coalesce(json_agg(row_to_json(product) ORDER BY wanted.place), '[]')::text
    FROM unnest($1) WITH ORDINALITY AS wanted (id, place)
    JOIN catalogue.products AS found USING (id)
    CROSS JOIN LATERAL (
      SELECT
        found.id, found.name, found.slogan, found.description, found.category,
        found.default_price::text AS default_price
    ) AS product
  ) AS body
FROM catalogue.published_load AS load
