-- The styles that are removed, after the new and changed ones are merged: a style that went to another
-- product stays.
CREATE TEMPORARY TABLE going_styles AS
SELECT id FROM pg_temp.styles WHERE deleted
UNION
SELECT styles.id FROM going_products JOIN catalogue.styles ON product_id = going_products.id;

-- Each changed child is looked up in it, of which there may be as many as do not fit into memory.
ALTER TABLE going_styles ADD PRIMARY KEY (id);

ANALYZE going_styles
