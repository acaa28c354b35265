-- An index less. Readers who come while we wait for those who are there queue up behind us: so we
-- wait no longer than a publication does.
SET LOCAL lock_timeout = '200ms';
DROP INDEX IF EXISTS catalogue.{index}
