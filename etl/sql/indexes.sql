-- The indexes of the catalogue, built after the rows. Each says which statement it serves;
-- the primary keys, which serve get_product and list_products, are made before.

-- get_product, get_product_page: the features of a product in file order.
CREATE INDEX features_by_product ON {schema}.features (product_id, position);

-- get_styles, get_product_page: the styles of a product in file order.
CREATE INDEX styles_by_product ON {schema}.styles (product_id, position);

-- get_styles, get_product_page: the photos of a style in file order.
CREATE INDEX photos_by_style ON {schema}.photos (style_id, position);

-- get_styles, get_product_page: the skus of a style in file order.
CREATE INDEX skus_by_style ON {schema}.skus (style_id, position);

-- get_related, get_product_page: the related products of a product in file order.
CREATE INDEX related_by_product ON {schema}.related (current_product_id, position);

-- remove_rows, and the foreign key when a product goes: the pairs that name it.
CREATE INDEX related_by_related_product ON {schema}.related (related_product_id);

-- list_products: the place in the list from where a page is near.
CREATE INDEX product_ranks_by_rank ON {schema}.product_ranks (rank, first_id);

-- list_products_by_category and ..._after: the products of a category in id order. What is longer
-- than a request may ask for would not fit into an index.
CREATE INDEX products_by_category ON {schema}.products (category, id)
WHERE length(category) <= 200;

-- search_products: the products that have a word. Without a list of pending entries, which every
-- search would have to read.
CREATE INDEX products_by_text ON {schema}.products
USING gin (search.document(name, category, slogan, description))
WITH (fastupdate = off);

-- search_products: every 32nd product that has a word, enough of a word that is everywhere.
CREATE INDEX some_products_by_text ON {schema}.products
USING gin (search.document(name, category, slogan, description))
WITH (fastupdate = off)
WHERE id % 32 = 0
