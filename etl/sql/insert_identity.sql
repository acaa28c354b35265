-- The next catalogue's name for itself. It is on disk then, whatever the role has: standbys are waited
-- for by that.
SET LOCAL synchronous_commit = local;
INSERT INTO catalogue_next.published_load (number, digest) VALUES (%(number)s, %(digest)s)
