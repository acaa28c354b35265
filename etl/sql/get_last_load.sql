-- What is served, as it was recorded; nothing where the record is not of what is served.
SELECT loads.tables
FROM catalogue.published_load
JOIN etl.loads USING (number, digest)
