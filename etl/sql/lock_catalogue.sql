-- Every statement of the service reads this table before any other, so whoever has this lock
-- knows that none of them is between two tables. Those that come now wait for us: not long.
SET LOCAL lock_timeout = '200ms';
LOCK TABLE catalogue.published_load IN ACCESS EXCLUSIVE MODE
