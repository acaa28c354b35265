-- The next catalogue's name for itself.
INSERT INTO catalogue_next.published_load (number, digest) VALUES (%(number)s, %(digest)s)
