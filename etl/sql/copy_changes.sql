COPY {schema}.{table} ({columns}) FROM STDIN (FORMAT csv, NULL 'null')
