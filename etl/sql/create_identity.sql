-- The table that names the next catalogue, with its key.
CREATE TABLE catalogue_next.published_load (LIKE catalogue.published_load INCLUDING ALL)
