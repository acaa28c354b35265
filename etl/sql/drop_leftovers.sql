-- What a load that was killed has left, and the catalogue before the one that is served.
DROP SCHEMA IF EXISTS catalogue_next CASCADE;
DROP SCHEMA IF EXISTS catalogue_previous CASCADE
