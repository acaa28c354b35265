-- The ranks after the products that came and went, and without those between which none is left.
UPDATE catalogue.product_ranks AS mark
SET rank = mark.rank + shift.total
FROM catalogue.product_ranks AS old
CROSS JOIN LATERAL (
  SELECT total FROM shifts WHERE shifts.id < old.first_id ORDER BY shifts.id DESC LIMIT 1
) AS shift
WHERE mark.first_id = old.first_id AND shift.total <> 0;

DELETE FROM catalogue.product_ranks AS mark
USING (
  SELECT first_id, rank, lead(rank) OVER (ORDER BY first_id) AS next_rank
  FROM catalogue.product_ranks
) AS block
WHERE mark.first_id = block.first_id AND block.rank = block.next_rank AND mark.first_id > 1
