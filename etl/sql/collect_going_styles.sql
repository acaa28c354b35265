-- The styles that are removed, after the new and changed ones are merged: a style that went to another
-- product stays.
CREATE TEMPORARY TABLE going_styles AS
SELECT id FROM pg_temp.styles WHERE deleted
UNION
SELECT styles.id FROM going_products JOIN catalogue.styles ON product_id = going_products.id;

-- An index, since each changed child is looked up here, and more may go than PostgreSQL hashes in memory.
ALTER TABLE going_styles ADD PRIMARY KEY (id);

ANALYZE going_styles
