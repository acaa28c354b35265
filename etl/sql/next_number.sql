-- The number of the load being built. Both tables are asked: either may come from a restore.
SELECT 1 + greatest(
  (SELECT number FROM catalogue.published_load),
  (SELECT max(number) FROM etl.loads)
)
