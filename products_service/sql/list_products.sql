-- list_products(page integer, count integer)
--
-- One page of the products in id order, as a JSON array; an empty array past the end. Then the
-- pages before it and after it, NULL where there is none.
-- Indexes: product_ranks_by_rank leads to a product at most 255 before the page, products_pkey
-- from there to its beginning and through it; so every page costs the same.
SELECT
  load.number,
  load.digest,
  page.body,
  nullif($1 - 1, 0) AS previous,
  CASE WHEN page.more THEN $1::bigint + 1 END AS next
FROM catalogue.published_load AS load
CROSS JOIN LATERAL (
  SELECT (
    SELECT id
    FROM catalogue.products
    WHERE id >= mark.first_id
    ORDER BY id
    LIMIT 1 OFFSET ($1 - 1)::bigint * $2 - mark.rank
  ) AS id
  FROM catalogue.product_ranks AS mark
  WHERE rank <= ($1 - 1)::bigint * $2
  ORDER BY rank DESC, first_id DESC
  LIMIT 1
) AS start
CROSS JOIN LATERAL (
  SELECT
    coalesce(json_agg(row_to_json(product)) FILTER (WHERE place <= $2), '[]')::text AS body,
    count(*) > $2 AS more
  FROM (
    SELECT
      id, name, slogan, description, category, default_price, row_number() OVER (ORDER BY id) AS place
    FROM catalogue.products
    WHERE id >= start.id
    ORDER BY id
    LIMIT $2 + 1
  ) AS found
  CROSS JOIN LATERAL (
    SELECT id, name, slogan, description, category, default_price::text AS default_price
  ) AS product
) AS page
