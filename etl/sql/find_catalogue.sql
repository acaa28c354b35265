-- Whether the database is migrated.
SELECT to_regclass('catalogue.published_load') IS NOT NULL
  AND to_regclass('etl.loads') IS NOT NULL
