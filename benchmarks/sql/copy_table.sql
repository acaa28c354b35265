-- The rows, in the order in which they lie on disk: a scan would else join one that is under way
-- in the middle of the table.
SELECT set_config('synchronize_seqscans', 'off', true);
INSERT INTO benchmark_index.{table} SELECT * FROM catalogue.{table}
