-- New and known related: see upsert_features.sql.
INSERT INTO catalogue.related (id, current_product_id, related_product_id)
SELECT id, current_product_id, related_product_id
FROM pg_temp.related
WHERE deleted IS NOT TRUE
ORDER BY position
ON CONFLICT (id) DO UPDATE SET
  current_product_id = excluded.current_product_id,
  related_product_id = excluded.related_product_id,
  position = CASE
    WHEN related.current_product_id = excluded.current_product_id THEN related.position
    ELSE excluded.position
  END
