-- The products that are removed.
CREATE TEMPORARY TABLE going_products AS
SELECT id FROM pg_temp.products WHERE deleted;

-- Each changed child is looked up in it, of which there may be as many as do not fit into memory.
ALTER TABLE going_products ADD PRIMARY KEY (id);

ANALYZE going_products
