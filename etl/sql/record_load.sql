-- What `flask etl history` lists.
INSERT INTO etl.loads (number, mode, source, started_at, published_at, digest, tables)
VALUES (
  %(number)s, %(mode)s, %(source)s, %(started_at)s, clock_timestamp(), %(digest)s, %(tables)s
)
