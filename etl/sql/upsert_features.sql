-- New features after all others, and new values for known ones, which keep their place unless they
-- go to another product. The other upsert_*.sql are alike.
INSERT INTO catalogue.features (id, product_id, feature, value)
SELECT id, product_id, feature, value
FROM pg_temp.features
WHERE deleted IS NOT TRUE
ORDER BY position
ON CONFLICT (id) DO UPDATE SET
  product_id = excluded.product_id,
  feature = excluded.feature,
  value = excluded.value,
  position = CASE
    WHEN features.product_id = excluded.product_id THEN features.position
    ELSE excluded.position
  END
