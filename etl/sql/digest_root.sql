-- What the rows are, whatever their order: the number of rows and the sums of two hashes.
SELECT
  count(*)::text,
  coalesce(sum(hashtextextended(line, 1)::numeric), 0)::text,
  coalesce(sum(hashtextextended(line, 2)::numeric), 0)::text
FROM (SELECT ROW({columns})::text AS line FROM {schema}.{table}) AS lines
