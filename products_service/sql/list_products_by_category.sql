-- list_products_by_category(category text, page integer, count integer)
--
-- One page of a category's products in id order, as a JSON array; an empty array past the end and
-- for an unknown category. Then the pages before it and after it, NULL where there is none.
-- Index: products_by_category, alone up to the page's beginning. Categories are compared as
-- neighbours in it: told that they are equal, PostgreSQL would rather take products_pkey and leave
-- out the other categories, be they nearly all.
SELECT
  load.number,
  load.digest,
  page.body,
  nullif($2 - 1, 0) AS previous,
  CASE WHEN page.more THEN $2::bigint + 1 END AS next
FROM catalogue.published_load AS load
CROSS JOIN LATERAL (
  SELECT
    coalesce(json_agg(row_to_json(product)) FILTER (WHERE place <= $3), '[]')::text AS body,
    count(*) > $3 AS more
  FROM (
    SELECT
      id, name, slogan, description, category, default_price,
      row_number() OVER (ORDER BY category, id) AS place
    FROM catalogue.products
    WHERE (category, id) >= (
        $1,
        (
          SELECT id
          FROM catalogue.products
          WHERE category >= $1 AND category <= $1 AND length(category) <= 200
          ORDER BY category, id
          LIMIT 1 OFFSET ($2 - 1)::bigint * $3
        )
      )
      AND category <= $1
      AND length(category) <= 200
    ORDER BY category, id
    LIMIT $3 + 1
  ) AS found
  CROSS JOIN LATERAL (
    SELECT id, name, slogan, description, category, default_price::text AS default_price
  ) AS product
) AS page
