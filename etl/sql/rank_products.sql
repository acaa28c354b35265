-- The rank of every 128th product where more than 256 stand between two ranks: the whole catalogue
-- of a load, what an upsert has added.
INSERT INTO {schema}.product_ranks (first_id, rank)
SELECT found.id, found.rank
FROM (
  SELECT
    first_id,
    rank,
    lead(first_id) OVER (ORDER BY first_id) AS next_id,
    lead(rank) OVER (ORDER BY first_id) AS next_rank
  FROM {schema}.product_ranks
) AS block
CROSS JOIN LATERAL (
  SELECT id, block.rank + row_number() OVER (ORDER BY id) - 1 AS rank
  FROM {schema}.products
  WHERE id >= block.first_id AND id < coalesce(block.next_id, 2147483648)
) AS found
WHERE coalesce(block.next_rank - block.rank > 256, true)
  AND found.rank > block.rank
  AND (found.rank - block.rank) % 128 = 0
