-- The row of {statement} for each of several products, in their order
SELECT answer.*
FROM unnest($1) WITH ORDINALITY AS asked (product_id, place)
CROSS JOIN LATERAL (
{sql}
) AS answer
ORDER BY asked.place
