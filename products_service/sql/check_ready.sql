-- check_ready()
--
-- Whether answers can come from the database now: the load that they would come from.
SELECT load.number, load.digest, '{"load":' || load.number || '}' AS body
FROM catalogue.published_load AS load
