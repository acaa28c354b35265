SELECT number, digest, body
FROM (
{parts}) AS answer (number, digest, body, statement, place)
ORDER BY statement, place
