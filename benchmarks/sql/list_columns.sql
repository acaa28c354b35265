-- The columns of a table that come from its file.
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
FROM pg_attribute
WHERE attrelid = format('catalogue.%%I', %(table)s::text)::regclass
  AND attnum > 0
  AND NOT attisdropped
  AND attidentity = ''
