-- The indexes of the catalogue, built after the rows. Each says which statement it serves;
-- the primary keys, which serve get_product and list_products, are made before.

-- get_product: the features of a product in file order.
CREATE INDEX features_by_product ON catalogue_next.features (product_id, position);

-- get_styles: the styles of a product in file order.
CREATE INDEX styles_by_product ON catalogue_next.styles (product_id, position);

-- get_styles: the photos of a style in file order.
CREATE INDEX photos_by_style ON catalogue_next.photos (style_id, position);

-- get_styles: the skus of a style in file order.
CREATE INDEX skus_by_style ON catalogue_next.skus (style_id, position);

-- get_related: the related products of a product in file order.
CREATE INDEX related_by_product ON catalogue_next.related (current_product_id, position);

-- remove_related, and the foreign key when a product goes: the pairs that name it.
CREATE INDEX related_by_related_product ON catalogue_next.related (related_product_id)
