-- How many connections the server takes, how many of them it keeps for its administrators (those of
-- the second kind since PostgreSQL 16), and how many our role or database may have; NULL: all.
SELECT
  current_setting('max_connections')::integer,
  current_setting('superuser_reserved_connections')::integer
    + coalesce(current_setting('reserved_connections', true)::integer, 0),
  (
    SELECT min(connections)
    FROM (
      SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user
      UNION ALL
      SELECT datconnlimit FROM pg_database WHERE datname = current_database()
    ) AS limits (connections)
    WHERE connections >= 0
  )
