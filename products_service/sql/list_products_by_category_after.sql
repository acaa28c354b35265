-- list_products_by_category_after(category text, after integer, count integer)
--
-- A category's first products whose id is greater, in id order, as a JSON array; an empty array
-- past the end and for an unknown category. Then the ids to ask after for those before and for
-- those that follow, NULL where there are none.
-- Index: products_by_category, in both directions; see list_products_by_category.
SELECT
  load.number,
  load.digest,
  page.body,
  before.previous,
  page.next
FROM catalogue.published_load AS load
CROSS JOIN LATERAL (
  SELECT CASE WHEN count(*) > $3 THEN min(id) WHEN count(*) > 0 THEN 0 END AS previous
  FROM (
    SELECT id
    FROM catalogue.products
    WHERE (category, id) <= ($1, $2) AND category >= $1 AND length(category) <= 200
    ORDER BY category DESC, id DESC
    LIMIT $3 + 1
  ) AS found
) AS before
CROSS JOIN LATERAL (
  SELECT
    coalesce(json_agg(row_to_json(product)) FILTER (WHERE place <= $3), '[]')::text AS body,
    CASE WHEN count(*) > $3 THEN max(found.id) FILTER (WHERE place = $3) END AS next
  FROM (
    SELECT
      id, name, slogan, description, category, default_price,
      row_number() OVER (ORDER BY category, id) AS place
    FROM catalogue.products
    WHERE (category, id) > ($1, $2) AND category <= $1 AND length(category) <= 200
    ORDER BY category, id
    LIMIT $3 + 1
  ) AS found
  CROSS JOIN LATERAL (
    SELECT id, name, slogan, description, category, default_price::text AS default_price
  ) AS product
) AS page
