-- Rows whose parent is not in the catalogue, into which its own changes are merged by now, or goes,
-- by itself or with what it belongs to.
CREATE TEMPORARY TABLE rejected AS
SELECT child.position
FROM pg_temp.{table} AS child
WHERE child.deleted IS NOT TRUE
  AND (
    NOT EXISTS (SELECT FROM catalogue.{parent} AS parent WHERE parent.id = child.{column})
    OR EXISTS (SELECT FROM {going} AS going WHERE going.id = child.{column})
  )
