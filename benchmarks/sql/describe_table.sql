-- How many rows a table of the copy has, and its bytes without indexes.
SELECT count(*), pg_table_size('benchmark_index.{table}') FROM benchmark_index.{table}
