-- New and known styles: see upsert_features.sql.
INSERT INTO catalogue.styles (id, product_id, name, sale_price, original_price, default_style)
SELECT id, product_id, name, sale_price, original_price, default_style
FROM pg_temp.styles
WHERE deleted IS NOT TRUE
ORDER BY position
ON CONFLICT (id) DO UPDATE SET
  product_id = excluded.product_id,
  name = excluded.name,
  sale_price = excluded.sale_price,
  original_price = excluded.original_price,
  default_style = excluded.default_style,
  position = CASE
    WHEN styles.product_id = excluded.product_id THEN styles.position
    ELSE excluded.position
  END
