ALTER SCHEMA catalogue RENAME TO catalogue_previous;
ALTER SCHEMA catalogue_next RENAME TO catalogue
