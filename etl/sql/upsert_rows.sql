-- New rows after all others, and new values for known ones, which keep their place unless they go to
-- another product or style.
INSERT INTO catalogue.{table} ({columns})
SELECT {columns}
FROM pg_temp.{table}
WHERE deleted IS NOT TRUE
ORDER BY position
ON CONFLICT (id) DO UPDATE SET
  ({changed}) = ROW ({values}),
  position = CASE
    WHEN {table}.{owner} = excluded.{owner} THEN {table}.position
    ELSE excluded.position
  END
