-- Whether the database is migrated, as far as a load relies on it.
SELECT to_regclass('catalogue.published_load') IS NOT NULL
  AND to_regclass('etl.loads') IS NOT NULL
  AND to_regclass('catalogue.product_ranks') IS NOT NULL
