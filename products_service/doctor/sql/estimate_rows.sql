-- About how many rows the tables of the served catalogue have.
SELECT coalesce(sum(pg_class.reltuples), 0)::bigint
FROM pg_class
WHERE pg_class.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'catalogue')
  AND pg_class.relname = ANY (%(tables)s)
  AND pg_class.reltuples > 0
