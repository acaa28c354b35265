-- The products that are removed.
CREATE TEMPORARY TABLE going_products AS
SELECT id FROM pg_temp.products WHERE deleted;

ANALYZE going_products
