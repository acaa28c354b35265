-- The copy, or what a run that was killed has left of one.
DROP SCHEMA IF EXISTS benchmark_index CASCADE
