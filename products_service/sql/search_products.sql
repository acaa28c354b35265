-- search_products(q text, page integer, count integer)
--
-- One page of the products that have every word of a text, the last one also as the beginning of a
-- word, best match first, as a JSON array; an empty array past the end, and for stop words alone.
-- Then the pages before it and after it, NULL where there is none.
--
-- What it costs is bounded: eight words are looked for, and 300 matches are ranked. Every 32nd
-- product is asked first, so that a word which is everywhere need not be looked up everywhere.
-- Indexes: some_products_by_text, products_by_text.
SELECT
  load.number,
  load.digest,
  page.body,
  nullif($2 - 1, 0) AS previous,
  CASE WHEN page.more THEN $2::bigint + 1 END AS next
FROM catalogue.published_load AS load
CROSS JOIN LATERAL (
  SELECT string_agg(term, ' & ')::tsquery AS query
  FROM (
    SELECT '(' || term.query || ')' AS term
    FROM (
      SELECT
        token,
        place,
        length(token) > 1 AND row_number() OVER (ORDER BY place DESC) = 1 AS open
      -- A product's text may have HTML, whose tags are no words of it. What is searched for has none.
      FROM ts_parse('pg_catalog.default', search.plain(translate($1, '<>&', '   ')))
        WITH ORDINALITY AS parsed (kind, token, place)
      WHERE kind <> 12  -- what stands between words
    ) AS word
    CROSS JOIN LATERAL (
      SELECT
        plainto_tsquery('pg_catalog.english', token) AS query,
        length((tsvector_to_array(to_tsvector('pg_catalog.english', token)))[1]) AS letters
    ) AS stem
    CROSS JOIN LATERAL (
      SELECT
        CASE
          WHEN NOT word.open OR numnode(stem.query) = 0 THEN stem.query
          -- As typed, as a beginning; and exactly, what is longer than the stem and shorter than
          -- that: it may be the stem of a word that begins so, "experienc" of "experienced".
          ELSE stem.query || (
            SELECT to_tsquery('pg_catalog.simple', string_agg(quoted, ' | ' ORDER BY n) || ':*')
            FROM generate_series(least(stem.letters + 1, length(token)), length(token)) AS n
            CROSS JOIN LATERAL (
              SELECT
                '''' || replace(replace(left(token, n), '\', '\\'), '''', '''''') || '''' AS quoted
            ) AS part
          )
        END::text AS query
    ) AS term
    WHERE term.query <> ''  -- as it is for stop words
    GROUP BY 1
    ORDER BY min(word.place)
    LIMIT 8
  ) AS terms
) AS asked
CROSS JOIN LATERAL (
  SELECT
    coalesce(json_agg(row_to_json(product)) FILTER (WHERE place <= $3), '[]')::text AS body,
    count(*) > $3 AS more
  FROM (
    SELECT *, row_number() OVER () AS place
    FROM (
      SELECT id, name, slogan, description, category, default_price
      FROM (
        SELECT *
        FROM catalogue.products
        WHERE id % 32 = 0
          AND search.document(name, category, slogan, description) @@ asked.query
        UNION ALL
        SELECT *
        FROM catalogue.products
        WHERE id % 32 <> 0
          AND search.document(name, category, slogan, description) @@ asked.query
        LIMIT 300
      ) AS matching
      -- By the beginnings of long texts, or 300 of them would take more than the time there is.
      ORDER BY
        ts_rank(
          search.document(left(name, 500), left(category, 500), left(slogan, 500), left(description, 1000)),
          asked.query
        ) DESC,
        id
      LIMIT $3 + 1 OFFSET ($2 - 1)::bigint * $3
    ) AS ranked
  ) AS found
  CROSS JOIN LATERAL (
    SELECT id, name, slogan, description, category, default_price::text AS default_price
  ) AS product
) AS page
