-- What a load has built beside the catalogue, if it is still there.
DROP SCHEMA IF EXISTS {schema} CASCADE
