-- The rows of a table that go, by themselves or with what they belong to.
WITH gone AS (
  DELETE FROM catalogue.{table}
  WHERE id IN (
    SELECT id FROM pg_temp.{table} WHERE deleted
    UNION ALL
    SELECT child.id FROM {going} AS going JOIN catalogue.{table} AS child ON child.{column} = going.id
  )
  RETURNING 1
)
SELECT count(*) FROM gone
