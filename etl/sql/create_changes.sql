-- Where the rows of an upsert wait until they are merged: tables of the session's own, which no dump
-- locks. Those that the folder lacks stay empty.
CREATE TEMPORARY TABLE products
  (LIKE catalogue.products INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TEMPORARY TABLE features
  (LIKE catalogue.features INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TEMPORARY TABLE styles
  (LIKE catalogue.styles INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TEMPORARY TABLE photos
  (LIKE catalogue.photos INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TEMPORARY TABLE skus
  (LIKE catalogue.skus INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TEMPORARY TABLE related
  (LIKE catalogue.related INCLUDING ALL EXCLUDING INDEXES, deleted boolean)
