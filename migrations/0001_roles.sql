-- migrate:up

-- Three roles: products_owner owns everything and never logs in, products_etl
-- loads as its member, products_app serves and can only read. A managed server
-- may not let us create roles: then the role that migrates owns everything and
-- serves too, and the service's own session settings keep it read-only.
DO $$
BEGIN
  IF NOT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
    RAISE NOTICE 'role % may not create roles; going on without them', current_user;
    RETURN;
  END IF;
  -- Roles belong to the whole server: another database may have made them already.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'products_owner') THEN
    CREATE ROLE products_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'products_etl') THEN
    CREATE ROLE products_etl LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'products_app') THEN
    CREATE ROLE products_app LOGIN;
  END IF;
  EXECUTE format('GRANT products_owner TO %I', current_user);
  GRANT products_owner TO products_etl;
  -- A load waits for statements of the service before it publishes; only members see them.
  GRANT products_app TO products_owner;
  -- A load builds its tables in a schema of their own.
  EXECUTE format('GRANT CREATE ON DATABASE %I TO products_owner', current_database());
  -- A load looks whether the server's disk has room; only a superuser can let it know where that is.
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    GRANT pg_read_all_settings TO products_owner;
  END IF;
  -- The limits hold on the role, so that they hold behind a pooler too.
  ALTER ROLE products_app SET statement_timeout = '500ms';
  ALTER ROLE products_app SET default_transaction_read_only = on;
  ALTER ROLE products_app SET idle_in_transaction_session_timeout = '5s';
END
$$;

-- migrate:down

-- The roles stay: another database of the server may need them.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'products_owner') THEN
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM products_owner', current_database());
  END IF;
END
$$;
