-- Where the rows of an upsert wait until they are merged. Tables that the folder lacks stay empty.
CREATE SCHEMA catalogue_changes;
CREATE TABLE catalogue_changes.products
  (LIKE catalogue.products INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TABLE catalogue_changes.features
  (LIKE catalogue.features INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TABLE catalogue_changes.styles
  (LIKE catalogue.styles INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TABLE catalogue_changes.photos
  (LIKE catalogue.photos INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TABLE catalogue_changes.skus
  (LIKE catalogue.skus INCLUDING ALL EXCLUDING INDEXES, deleted boolean);
CREATE TABLE catalogue_changes.related
  (LIKE catalogue.related INCLUDING ALL EXCLUDING INDEXES, deleted boolean)
