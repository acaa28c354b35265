-- Ids spread over the whole catalogue, the same ones for the same seed.
SELECT id
FROM {schema}.products
ORDER BY hashint8extended(id, %(seed)s), id
LIMIT %(count)s
