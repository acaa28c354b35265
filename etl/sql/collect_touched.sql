-- Every product and style whose rows may change, themselves or what belongs to them, and views of
-- just those rows. What the views hold is reckoned before the merge and after it; the difference
-- is what the merge does to the catalogue's digest. Some more than necessary does no harm.
CREATE TEMPORARY TABLE touched_product_ids AS
SELECT id FROM pg_temp.products
UNION
SELECT product_id FROM pg_temp.features
UNION
SELECT product_id FROM pg_temp.styles
UNION
SELECT current_product_id FROM pg_temp.related
UNION
SELECT old.product_id FROM pg_temp.features JOIN catalogue.features AS old USING (id)
UNION
SELECT old.product_id FROM pg_temp.styles JOIN catalogue.styles AS old USING (id)
UNION
SELECT old.current_product_id
FROM pg_temp.related
JOIN catalogue.related AS old USING (id)
UNION
SELECT pair.current_product_id
FROM pg_temp.products AS going
JOIN catalogue.related AS pair ON pair.related_product_id = going.id
WHERE going.deleted;

CREATE TEMPORARY TABLE touched_style_ids AS
SELECT id FROM pg_temp.styles
UNION
SELECT style_id FROM pg_temp.photos
UNION
SELECT style_id FROM pg_temp.skus
UNION
SELECT old.style_id FROM pg_temp.photos JOIN catalogue.photos AS old USING (id)
UNION
SELECT old.style_id FROM pg_temp.skus JOIN catalogue.skus AS old USING (id)
UNION
SELECT styles.id
FROM pg_temp.products AS going
JOIN catalogue.styles ON styles.product_id = going.id
WHERE going.deleted;

ANALYZE touched_product_ids, touched_style_ids;

CREATE TEMPORARY VIEW touched_products AS
SELECT * FROM catalogue.products WHERE id IN (SELECT id FROM touched_product_ids);
CREATE TEMPORARY VIEW touched_features AS
SELECT * FROM catalogue.features WHERE product_id IN (SELECT id FROM touched_product_ids);
CREATE TEMPORARY VIEW touched_styles AS
SELECT * FROM catalogue.styles WHERE product_id IN (SELECT id FROM touched_product_ids);
CREATE TEMPORARY VIEW touched_photos AS
SELECT * FROM catalogue.photos WHERE style_id IN (SELECT id FROM touched_style_ids);
CREATE TEMPORARY VIEW touched_skus AS
SELECT * FROM catalogue.skus WHERE style_id IN (SELECT id FROM touched_style_ids);
CREATE TEMPORARY VIEW touched_related AS
SELECT * FROM catalogue.related WHERE current_product_id IN (SELECT id FROM touched_product_ids)
