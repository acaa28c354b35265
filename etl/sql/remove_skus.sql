-- The skus that go, by themselves or with their style.
WITH gone AS (
  DELETE FROM catalogue.skus
  WHERE id IN (
    SELECT id FROM pg_temp.skus WHERE deleted
    UNION ALL
    SELECT skus.id FROM going_styles JOIN catalogue.skus ON style_id = going_styles.id
  )
  RETURNING 1
)
SELECT count(*) FROM gone
