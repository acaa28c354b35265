-- The rows whose parent is not in the catalogue.
CREATE TEMPORARY TABLE rejected AS
SELECT child.position
FROM {schema}.{table} AS child
WHERE NOT EXISTS (SELECT FROM {schema}.{parent} AS parent WHERE parent.id = child.{column})
