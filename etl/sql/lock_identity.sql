-- Before any other table of the catalogue, as migrations do: whoever comes second waits here, and
-- holds nothing that the first one wants. Readers go on. What is committed is on disk then, whatever
-- the role has: standbys are waited for by that.
SET LOCAL synchronous_commit = local;
LOCK TABLE catalogue.published_load IN ROW EXCLUSIVE MODE
