-- What a session of this role starts with, whatever it sets itself later: the limit on a statement
-- in milliseconds (0: none), and whether it only reads.
SELECT
  (SELECT reset_val::integer FROM pg_settings WHERE name = 'statement_timeout'),
  (SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only')
