-- Whether this server replays the changes of another one, and may not have come to a load's yet.
SELECT pg_is_in_recovery()
