-- The rows of statements for the products of each, in that order
SELECT number, digest, body
FROM (
{parts}) AS answer (number, digest, body, statement, place)
ORDER BY statement, place
