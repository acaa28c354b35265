-- migrate:up

-- An upsert in between would come and go unnoticed, and a load would put another schema in place.
LOCK TABLE catalogue.published_load, catalogue.products IN SHARE MODE;

-- How many products have a smaller id, of every 128th product: from here a page of the list is
-- near, however far back it is. The first row stands even where there is no product.
CREATE TABLE catalogue.product_ranks (
  first_id integer PRIMARY KEY CHECK (first_id > 0),
  rank integer NOT NULL CHECK (rank >= 0)
);
INSERT INTO catalogue.product_ranks (first_id, rank) VALUES (1, 0);
INSERT INTO catalogue.product_ranks (first_id, rank)
SELECT id, rank
FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS rank FROM catalogue.products) AS ranked
WHERE rank > 0 AND rank % 128 = 0;
ANALYZE catalogue.product_ranks;

-- What a search looks into. The functions stand apart from the catalogue, because its indexes rest
-- on them and it is replaced as a whole. To change one, add another and an index on that.
CREATE SCHEMA search;

-- A text as words and blanks. PostgreSQL's parser would take two words around a full stop, a slash,
-- a hyphen, @ or _ for one (a host, a path, a compound, an address), and look for the end of such a
-- one from each word on: 16 s for 20,000 characters of "a@1a@1". With some locales it takes
-- typographic quotes, dashes and signs for letters. What is left of HTML it finds and leaves out.
-- The limit keeps clear of that of a tsvector, 1 MB.
CREATE FUNCTION search.plain(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(
  replace(
    replace(
      replace(
        replace(
          replace(
            left(
              coalesce(
                CASE
                  WHEN octet_length(text) = length(text) THEN text  -- ASCII, and quickly done
                  ELSE regexp_replace(
                    text,
                    '[\u0080-\u00BF\u00D7\u00F7\u2000-\u2BFF\u3000-\u3004\u3008-\u3020\uFE00-\uFE0F\U0001F000-\U0001FAFF]',
                    ' ',
                    'g'
                  )
                END,
                ''
              ),
              20000
            ),
            '</', '<'
          ),
          '.', ' '  -- one by one: translate() takes three times as long
        ),
        '/', ' '
      ),
      '-', ' '
    ),
    '@', ' '
  ),
  '_', ' '
);

-- The words of a product by their stems; those of its name and category also as they are written,
-- since what someone has typed of "running", "runn", is not the beginning of "run".
CREATE FUNCTION search.document(name text, category text, slogan text, description text)
RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(
    to_tsvector('pg_catalog.english', search.plain(name))
    || to_tsvector('pg_catalog.simple', search.plain(name)),
    'A'
  )
  || setweight(
    to_tsvector('pg_catalog.english', search.plain(category))
    || to_tsvector('pg_catalog.simple', search.plain(category)),
    'B'
  )
  || setweight(
    to_tsvector(
      'pg_catalog.english',
      search.plain(coalesce(slogan, '') || ' ' || coalesce(description, ''))
    ),
    'C'
  );

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'products_owner')
     AND pg_has_role('products_owner', 'MEMBER') THEN
    ALTER TABLE catalogue.product_ranks OWNER TO products_owner;
    ALTER SCHEMA search OWNER TO products_owner;
    ALTER FUNCTION search.plain OWNER TO products_owner;
    ALTER FUNCTION search.document OWNER TO products_owner;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'products_app') THEN
    GRANT SELECT ON catalogue.product_ranks TO products_app;
    GRANT USAGE ON SCHEMA search TO products_app;
  END IF;
END
$$;

-- migrate:down

-- As above.
LOCK TABLE catalogue.published_load IN SHARE MODE;

-- The indexes on the functions go with them.
DROP SCHEMA search CASCADE;
DROP TABLE catalogue.product_ranks;
