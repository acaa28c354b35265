-- What a load that was killed has left, and the catalogue before the one that is served.
SET LOCAL lock_timeout = '60s';
DROP SCHEMA IF EXISTS catalogue_next CASCADE;
DROP SCHEMA IF EXISTS catalogue_previous CASCADE
