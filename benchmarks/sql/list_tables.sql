-- The tables that are served, the largest last: what is small is soon seen to work.
SELECT relname
FROM pg_class
WHERE relnamespace = 'catalogue'::regnamespace AND relkind = 'r'
ORDER BY pg_relation_size(oid), relname
