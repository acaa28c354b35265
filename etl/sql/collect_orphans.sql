-- The rows whose parent is not in the catalogue.
CREATE TEMPORARY TABLE rejected AS
SELECT child.position
FROM catalogue_next.{table} AS child
WHERE NOT EXISTS (SELECT FROM catalogue_next.{parent} AS parent WHERE parent.id = child.{column})
