-- The products that go; nothing refers to them any more.
WITH gone AS (
  DELETE FROM catalogue.products
  WHERE id IN (
    SELECT id FROM going_products
  )
  RETURNING 1
)
SELECT count(*) FROM gone
