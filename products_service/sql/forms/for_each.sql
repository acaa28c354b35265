-- The row of {statement} for each of several products, and its place
SELECT answer.*, {number}, asked.place
FROM unnest(${number}) WITH ORDINALITY AS asked (product_id, place)
CROSS JOIN LATERAL (
{sql}
) AS answer
