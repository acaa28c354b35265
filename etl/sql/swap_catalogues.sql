-- In one transaction with what else publishing takes: readers see the one or the other.
ALTER SCHEMA catalogue RENAME TO catalogue_previous;
ALTER SCHEMA catalogue_next RENAME TO catalogue
