-- What stands in the schema that is served and no load would make anew: it would be dropped with it.
SELECT relname
FROM pg_class
WHERE relnamespace = 'catalogue'::regnamespace
  AND relkind IN ('r', 'p', 'f', 'v', 'm')
  AND relname <> ALL (%(tables)s)
ORDER BY relname
