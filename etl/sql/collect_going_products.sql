-- The products that are removed.
CREATE TEMPORARY TABLE going_products AS
SELECT id FROM pg_temp.products WHERE deleted;

-- An index, since each changed child is looked up here, and more may go than PostgreSQL hashes in memory.
ALTER TABLE going_products ADD PRIMARY KEY (id);

ANALYZE going_products
