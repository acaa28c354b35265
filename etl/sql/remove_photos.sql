-- The photos that go, by themselves or with their style.
WITH gone AS (
  DELETE FROM catalogue.photos
  WHERE id IN (
    SELECT id FROM pg_temp.photos WHERE deleted
    UNION ALL
    SELECT photos.id FROM going_styles JOIN catalogue.photos ON style_id = going_styles.id
  )
  RETURNING 1
)
SELECT count(*) FROM gone
