-- An examination changes nothing and waits for nobody.
SET default_transaction_read_only = on;
SET statement_timeout = '10s';
SET lock_timeout = '2s'
