-- Which load is served: number and digest.
SELECT number, digest FROM catalogue.published_load
