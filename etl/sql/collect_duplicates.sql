-- The rows whose id came before in the file.
CREATE TEMPORARY TABLE rejected AS
SELECT position
FROM (
  SELECT position, row_number() OVER (PARTITION BY id ORDER BY position) AS occurrence
  FROM {schema}.{table}
) AS numbered
WHERE occurrence > 1
