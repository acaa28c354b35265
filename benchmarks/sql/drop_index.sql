-- An index less.
DROP INDEX benchmark_index.{index}
