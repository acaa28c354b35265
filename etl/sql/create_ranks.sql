-- The table of ranks with its key, and the row that stands in it whatever the products are.
CREATE TABLE catalogue_next.product_ranks (
  LIKE catalogue.product_ranks INCLUDING ALL EXCLUDING INDEXES,
  PRIMARY KEY (first_id)
);
INSERT INTO catalogue_next.product_ranks (first_id, rank) VALUES (1, 0)
