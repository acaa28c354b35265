-- As whom a role loads, and what that one lacks: a row for each thing, or one with NULL where nothing
-- is lacking. The service's own role is asked for because a load waits for its statements, which only
-- members see.
WITH acting AS (
  SELECT
    CASE
      WHEN pg_has_role(%(role)s::name, to_regrole('products_owner'), 'MEMBER') THEN 'products_owner'
      ELSE %(role)s
    END::name AS role
),
needs (lacking, met) AS (
  SELECT
    format('%%s ON DATABASE %%I', privilege, current_database()),
    has_database_privilege(role, current_database(), privilege)
  FROM acting
  -- temporary tables: for rows whose parents are missing, and of an upsert
  CROSS JOIN unnest(ARRAY['CREATE', 'TEMPORARY']) AS privilege
  UNION ALL
  SELECT
    format('to own SCHEMA %%I', pg_namespace.nspname),
    pg_has_role(role, pg_namespace.nspowner, 'USAGE')
  FROM acting, pg_namespace
  WHERE pg_namespace.nspname = 'catalogue'
  UNION ALL
  SELECT
    format('to own %%I.%%I', pg_namespace.nspname, pg_class.relname),
    pg_has_role(role, pg_class.relowner, 'USAGE')
  FROM acting, pg_class
  JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
  WHERE pg_namespace.nspname = 'catalogue' AND pg_class.relkind = 'r'
  UNION ALL
  -- what was loaded is recorded in one, and indexes are made of the functions of the other
  SELECT
    format('USAGE ON SCHEMA %%I', pg_namespace.nspname),
    has_schema_privilege(role, pg_namespace.oid, 'USAGE')
  FROM acting, pg_namespace
  WHERE pg_namespace.nspname IN ('etl', 'search')
  UNION ALL
  SELECT
    format('%%s ON %%I.%%I', wanted.privilege, pg_namespace.nspname, pg_class.relname),
    has_table_privilege(role, pg_class.oid, wanted.privilege)
  FROM acting, pg_class
  JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
  JOIN (
    VALUES
      ('etl', 'loads', 'SELECT'),
      ('etl', 'loads', 'INSERT'),
      ('public', 'schema_migrations', 'SELECT')
  ) AS wanted (schema, name, privilege)
    ON wanted.schema = pg_namespace.nspname AND wanted.name = pg_class.relname
  UNION ALL
  SELECT format('membership in %%I', %(app)s), pg_has_role(role, %(app)s::name, 'USAGE')
  FROM acting
)
SELECT acting.role::text, needs.lacking
FROM acting
LEFT JOIN needs ON NOT needs.met
ORDER BY needs.lacking
