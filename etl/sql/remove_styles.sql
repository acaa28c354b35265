-- The styles that go, by themselves or with their product.
WITH gone AS (
  DELETE FROM catalogue.styles
  WHERE id IN (
    SELECT id FROM going_styles
  )
  RETURNING 1
)
SELECT count(*) FROM gone
