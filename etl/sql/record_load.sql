INSERT INTO etl.loads (number, source, started_at, published_at, digest, tables)
VALUES (
  %(number)s, %(source)s, %(started_at)s, clock_timestamp(), %(digest)s, %(tables)s
)
