-- Whoever may read the catalogue that is served may read the next one alike.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT format(
      'GRANT %s ON SCHEMA catalogue_next TO %s%s',
      acl.privilege_type,
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END,
      CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' END
    ) AS statement
    FROM pg_namespace, aclexplode(pg_namespace.nspacl) AS acl
    WHERE pg_namespace.nspname = 'catalogue' AND acl.grantee <> pg_namespace.nspowner
    UNION ALL
    SELECT format(
      'GRANT %s ON catalogue_next.%I TO %s%s',
      acl.privilege_type,
      pg_class.relname,
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END,
      CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' END
    )
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.relnamespace = 'catalogue'::regnamespace
      AND pg_class.relkind = 'r'
      AND acl.grantee <> pg_class.relowner
    UNION ALL
    SELECT format(
      'GRANT %s (%I) ON catalogue_next.%I TO %s%s',
      acl.privilege_type,
      pg_attribute.attname,
      pg_class.relname,
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END,
      CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' END
    )
    FROM pg_class
    JOIN pg_attribute ON pg_attribute.attrelid = pg_class.oid,
      aclexplode(pg_attribute.attacl) AS acl
    WHERE pg_class.relnamespace = 'catalogue'::regnamespace
      AND pg_class.relkind = 'r'
      AND NOT pg_attribute.attisdropped
      AND acl.grantee <> pg_class.relowner
  LOOP
    EXECUTE entry.statement;
  END LOOP;
END
$$
