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
-- one from each word on: 16 s for 20,000 characters of "a@1a@1"; and ~ and + for the beginning of a
-- path and of a number. With some locales it takes all that is not ASCII for letters: here are the
-- punctuation, the blanks, the currency and mathematical signs of Unicode 14's first plane, and
-- whole blocks of typographic signs and pictures. What is left of HTML it finds and leaves out.
-- The limit keeps clear of that of a tsvector, 1 MB.
CREATE FUNCTION search.plain(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(
  replace(
    replace(
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
                        '[\u0080-\u00BF\u00D7\u00F7\u037E\u0387\u03F6\u055A-\u055F\u0589-\u058F'
                        '\u05BE\u05C0\u05C3\u05C6\u05F3-\u060F\u061B-\u061F\u066A-\u066D\u06D4'
                        '\u0700-\u070F\u07F6-\u07F9\u07FE\u07FF\u0830-\u083E\u085E\u0964\u0965'
                        '\u0970\u09F2\u09F3\u09FA\u09FB\u09FD\u0A76\u0AF0\u0AF1\u0BF3-\u0BFA\u0C77'
                        '\u0C84\u0DF4\u0E3F\u0E4F\u0E5A\u0E5B\u0F01-\u0F17\u0F3A-\u0F3D\u0F85'
                        '\u0FC7-\u0FDA\u104A-\u104F\u10FB\u1360-\u1368\u1400\u166D\u166E\u1680'
                        '\u169B\u169C\u16EB-\u16ED\u1735\u1736\u17D4-\u17D6\u17D8-\u17DB'
                        '\u1800-\u180A\u1940-\u1945\u1A1E\u1A1F\u1AA0-\u1AA6\u1AA8-\u1AAD'
                        '\u1B5A-\u1B6A\u1B74-\u1B7E\u1BFC-\u1BFF\u1C3B-\u1C3F\u1C7E\u1C7F'
                        '\u1CC0-\u1CC7\u1CD3\u1FFD-\u2BFF\u2CF9-\u2CFC\u2CFE\u2CFF\u2D70'
                        '\u2E00-\u2E2E\u2E30-\u3004\u3008-\u3020\u3030\u303D-\u303F\u30A0\u30FB'
                        '\uA4FE\uA4FF\uA60D-\uA60F\uA673\uA67E\uA6F2-\uA716\uA836-\uA839'
                        '\uA874-\uA877\uA8CE\uA8CF\uA8F8-\uA8FA\uA8FC\uA92E\uA92F\uA95F'
                        '\uA9C1-\uA9CD\uA9DE\uA9DF\uAA5C-\uAA5F\uAADE\uAADF\uAAF0\uAAF1\uABEB\uFB29'
                        '\uFD3E-\uFD4F\uFDFC-\uFE19\uFE30-\uFE6B\uFEFF-\uFF0F\uFF1A-\uFF20'
                        '\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFD\U0001F000-\U0001FAFF]',
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
    ),
    '~', ' '
  ),
  '+', ' '
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
