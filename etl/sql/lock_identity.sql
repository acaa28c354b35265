-- Before any other table of the catalogue, as migrations do: whoever comes second waits here, and
-- holds nothing that the first one wants. Readers go on.
LOCK TABLE catalogue.published_load IN ROW EXCLUSIVE MODE
