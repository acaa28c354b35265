-- New and known photos: see upsert_features.sql.
INSERT INTO catalogue.photos (id, style_id, url, thumbnail_url)
SELECT id, style_id, url, thumbnail_url
FROM pg_temp.photos
WHERE deleted IS NOT TRUE
ORDER BY position
ON CONFLICT (id) DO UPDATE SET
  style_id = excluded.style_id,
  url = excluded.url,
  thumbnail_url = excluded.thumbnail_url,
  position = CASE
    WHEN photos.style_id = excluded.style_id THEN photos.position
    ELSE excluded.position
  END
