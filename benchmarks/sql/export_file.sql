-- For psql: a clean file of the rows that are served, in their order.
\copy (SELECT {columns} FROM catalogue.{table} ORDER BY position) TO '{file}' WITH (FORMAT csv, HEADER, NULL 'null')
