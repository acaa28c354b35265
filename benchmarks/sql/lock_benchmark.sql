-- One benchmark of this kind at a time: a lock that the server gives back when the session ends,
-- however it ends.
SELECT pg_try_advisory_lock(hashtext('products_service bench'), 1)
