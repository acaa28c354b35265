-- What can empty the server's own cache, from PostgreSQL 17 on. It goes with the schema.
CREATE EXTENSION IF NOT EXISTS pg_buffercache SCHEMA benchmark_index
