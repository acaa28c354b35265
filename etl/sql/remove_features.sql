-- The features that go, by themselves or with their product.
WITH gone AS (
  DELETE FROM catalogue.features
  WHERE id IN (
    SELECT id FROM pg_temp.features WHERE deleted
    UNION ALL
    SELECT features.id FROM going_products JOIN catalogue.features ON product_id = going_products.id
  )
  RETURNING 1
)
SELECT count(*) FROM gone
