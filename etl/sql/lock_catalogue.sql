-- Every statement of the service reads this table before any other, so whoever has this lock
-- knows that none of them is between two tables. Those that come now wait for us: not long, also
-- where our client is stopped or gone from one moment to the next, or a standby is whose
-- confirmation the server is to wait for.
SET LOCAL lock_timeout = '200ms';
SET LOCAL idle_in_transaction_session_timeout = '1s';
SET LOCAL synchronous_commit = local;
LOCK TABLE catalogue.published_load IN ACCESS EXCLUSIVE MODE
