-- What the rows are and how they follow one another within their product or style: each is hashed
-- together with the id of the one before it. A sum, so that a change of a few rows can be reckoned
-- from those rows alone.
SELECT count(*), coalesce(sum(hash_record_extended(line, 1)), 0)::text
FROM (
  SELECT ROW(lag(id) OVER (PARTITION BY {owner} ORDER BY position), {columns}) AS line
  FROM {schema}.{table}
) AS lines
