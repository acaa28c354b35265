-- The products that come or go, asked before the merge, each with how many more there are than
-- before up to it.
CREATE TEMPORARY TABLE shifts AS
SELECT id, sum(CASE WHEN deleted THEN -1 ELSE 1 END) OVER (ORDER BY id) AS total
FROM pg_temp.products AS change
WHERE coalesce(deleted, false) = EXISTS (
  SELECT FROM catalogue.products WHERE products.id = change.id
);
ALTER TABLE shifts ADD PRIMARY KEY (id);
ANALYZE shifts
