DELETE FROM {schema}.{table} USING rejected WHERE {table}.position = rejected.position;
DROP TABLE rejected
