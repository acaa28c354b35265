-- The products that are removed.
CREATE TEMPORARY TABLE going_products AS
SELECT id FROM catalogue_changes.products WHERE deleted;

ANALYZE going_products
