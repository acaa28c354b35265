-- What the rows are and how they follow one another within their parent: each row is hashed
-- together with the id of the row before it. Sums, so that a change of a few rows can
-- be reckoned from those rows alone.
SELECT
  count(*)::text,
  coalesce(sum(hashtextextended(line, 1)::numeric), 0)::text,
  coalesce(sum(hashtextextended(line, 2)::numeric), 0)::text
FROM (
  SELECT ROW(lag(id) OVER (PARTITION BY {parent} ORDER BY position), {columns})::text AS line
  FROM {schema}.{table}
) AS lines
