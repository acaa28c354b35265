-- What the session has locked, now: the server would see a little later that it has ended, and the
-- next load might come before that.
SELECT pg_advisory_unlock_all()
