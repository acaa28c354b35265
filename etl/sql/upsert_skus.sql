-- New and known skus: see upsert_features.sql.
INSERT INTO catalogue.skus (id, style_id, size, quantity)
SELECT id, style_id, size, quantity
FROM pg_temp.skus
WHERE deleted IS NOT TRUE
ORDER BY position
ON CONFLICT (id) DO UPDATE SET
  style_id = excluded.style_id,
  size = excluded.size,
  quantity = excluded.quantity,
  position = CASE
    WHEN skus.style_id = excluded.style_id THEN skus.position
    ELSE excluded.position
  END
