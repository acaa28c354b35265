-- Read every file of the catalogue once, 16 MB at a time, so that the system's cache has them; how many
-- bytes there were. Files are of 1 GB at most. For superusers.
SELECT
  sum(
    length(
      pg_read_binary_file(
        path || CASE WHEN part >= 64 THEN '.' || part / 64 ELSE '' END,
        mod(part, 64) * 16777216,
        16777216,
        true
      )
    )
  )
FROM (
  SELECT pg_relation_filepath(oid) AS path, pg_relation_size(oid) AS size
  FROM pg_class
  WHERE relnamespace = 'catalogue'::regnamespace AND relkind IN ('r', 'i')
) AS files
CROSS JOIN LATERAL generate_series(0, (size - 1) / 16777216) AS part
