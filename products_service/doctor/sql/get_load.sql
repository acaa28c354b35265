-- The load that is served.
SELECT load.number
FROM catalogue.published_load AS load
