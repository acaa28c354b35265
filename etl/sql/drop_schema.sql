-- What a load has built beside the catalogue, if it is still there. Where somebody reads it, which only
-- a dump does, it is left to the next load.
SET LOCAL lock_timeout = '2s';
DROP SCHEMA IF EXISTS {schema} CASCADE
