-- Every product and style whose rows may change, themselves or what belongs to them, and views of
-- just those rows. What the views hold is reckoned before the merge and after it; the difference
-- is what the merge does to the catalogue's digest. Some more than necessary does no harm.
CREATE TEMPORARY TABLE touched_products AS
SELECT id FROM catalogue_changes.products
UNION
SELECT product_id FROM catalogue_changes.features
UNION
SELECT product_id FROM catalogue_changes.styles
UNION
SELECT current_product_id FROM catalogue_changes.related
UNION
SELECT old.product_id FROM catalogue_changes.features JOIN catalogue.features AS old USING (id)
UNION
SELECT old.product_id FROM catalogue_changes.styles JOIN catalogue.styles AS old USING (id)
UNION
SELECT old.current_product_id
FROM catalogue_changes.related
JOIN catalogue.related AS old USING (id)
UNION
SELECT pair.current_product_id
FROM catalogue_changes.products AS going
JOIN catalogue.related AS pair ON pair.related_product_id = going.id
WHERE going.deleted;

CREATE TEMPORARY TABLE touched_styles AS
SELECT id FROM catalogue_changes.styles
UNION
SELECT style_id FROM catalogue_changes.photos
UNION
SELECT style_id FROM catalogue_changes.skus
UNION
SELECT old.style_id FROM catalogue_changes.photos JOIN catalogue.photos AS old USING (id)
UNION
SELECT old.style_id FROM catalogue_changes.skus JOIN catalogue.skus AS old USING (id)
UNION
SELECT styles.id
FROM catalogue_changes.products AS going
JOIN catalogue.styles ON styles.product_id = going.id
WHERE going.deleted;

ANALYZE touched_products, touched_styles;

CREATE TEMPORARY VIEW products AS
SELECT * FROM catalogue.products WHERE id IN (SELECT id FROM touched_products);
CREATE TEMPORARY VIEW features AS
SELECT * FROM catalogue.features WHERE product_id IN (SELECT id FROM touched_products);
CREATE TEMPORARY VIEW styles AS
SELECT * FROM catalogue.styles WHERE product_id IN (SELECT id FROM touched_products);
CREATE TEMPORARY VIEW photos AS
SELECT * FROM catalogue.photos WHERE style_id IN (SELECT id FROM touched_styles);
CREATE TEMPORARY VIEW skus AS
SELECT * FROM catalogue.skus WHERE style_id IN (SELECT id FROM touched_styles);
CREATE TEMPORARY VIEW related AS
SELECT * FROM catalogue.related WHERE current_product_id IN (SELECT id FROM touched_products)
