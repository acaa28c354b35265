-- How many connections the server takes, and how many of them it keeps for its administrators (those
-- of the second kind since PostgreSQL 16).
SELECT
  current_setting('max_connections')::integer,
  current_setting('superuser_reserved_connections')::integer
    + coalesce(current_setting('reserved_connections', true)::integer, 0)
