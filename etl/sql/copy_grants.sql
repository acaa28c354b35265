-- Whoever may read the catalogue that is served may read the next one alike.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT format(
      'GRANT %s ON %s TO %s%s',
      acl.privilege_type || granted.columns,
      granted.object,
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END,
      CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' END
    ) AS statement
    FROM (
      SELECT 'SCHEMA catalogue_next' AS object, '' AS columns, nspacl AS rights, nspowner AS owner
      FROM pg_namespace
      WHERE nspname = 'catalogue'
      UNION ALL
      SELECT format('catalogue_next.%I', relname), '', relacl, relowner
      FROM pg_class
      WHERE relnamespace = 'catalogue'::regnamespace AND relkind = 'r'
      UNION ALL
      SELECT format('catalogue_next.%I', relname), format(' (%I)', attname), attacl, relowner
      FROM pg_class
      JOIN pg_attribute ON attrelid = pg_class.oid AND NOT attisdropped
      WHERE relnamespace = 'catalogue'::regnamespace AND relkind = 'r'
    ) AS granted,
      aclexplode(granted.rights) AS acl
    WHERE acl.grantee <> granted.owner
  LOOP
    EXECUTE entry.statement;
  END LOOP;
END
$$
