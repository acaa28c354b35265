-- The rows, frozen: nothing needs to visit them again, and every snapshot sees them.
COPY {schema}.{table} ({columns}) FROM STDIN (FORMAT csv, NULL 'null', FREEZE)
