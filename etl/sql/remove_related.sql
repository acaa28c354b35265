-- The pairs that go, by themselves or with either of their products.
WITH gone AS (
  DELETE FROM catalogue.related
  WHERE id IN (
    SELECT id FROM pg_temp.related WHERE deleted
    UNION ALL
    SELECT related.id FROM going_products JOIN catalogue.related ON current_product_id = going_products.id
    UNION ALL
    SELECT related.id FROM going_products JOIN catalogue.related ON related_product_id = going_products.id
  )
  RETURNING 1
)
SELECT count(*) FROM gone
