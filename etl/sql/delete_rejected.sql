DELETE FROM catalogue_next.{table} USING rejected WHERE {table}.position = rejected.position;
DROP TABLE rejected
