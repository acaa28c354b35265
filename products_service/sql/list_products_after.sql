-- list_products_after(after integer, count integer)
--
-- The first products whose id is greater, in id order, as a JSON array; an empty array past the
-- end. Then the ids to ask after for those before and for those that follow, NULL where there are
-- none.
-- Index: products_pkey, in both directions.
SELECT
  load.number,
  load.digest,
  page.body,
  before.previous,
  page.next
FROM catalogue.published_load AS load
CROSS JOIN LATERAL (
  SELECT CASE WHEN count(*) > $2 THEN min(id) WHEN count(*) > 0 THEN 0 END AS previous
  FROM (
    SELECT id
    FROM catalogue.products
    WHERE id <= $1
    ORDER BY id DESC
    LIMIT $2 + 1
  ) AS found
) AS before
CROSS JOIN LATERAL (
  SELECT
    coalesce(json_agg(row_to_json(product)) FILTER (WHERE place <= $2), '[]')::text AS body,
    CASE WHEN count(*) > $2 THEN max(found.id) FILTER (WHERE place = $2) END AS next
  FROM (
    SELECT
      id, name, slogan, description, category, default_price, row_number() OVER (ORDER BY id) AS place
    FROM catalogue.products
    WHERE id > $1
    ORDER BY id
    LIMIT $2 + 1
  ) AS found
  CROSS JOIN LATERAL (
    SELECT id, name, slogan, description, category, default_price::text AS default_price
  ) AS product
) AS page
