-- New products, and new values for known ones.
INSERT INTO catalogue.products (id, name, slogan, description, category, default_price)
SELECT id, name, slogan, description, category, default_price
FROM pg_temp.products
WHERE deleted IS NOT TRUE
ORDER BY position
ON CONFLICT (id) DO UPDATE SET
  name = excluded.name,
  slogan = excluded.slogan,
  description = excluded.description,
  category = excluded.category,
  default_price = excluded.default_price
