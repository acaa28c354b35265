-- Statistics and a visibility map, as a load leaves them.
VACUUM (ANALYZE) benchmark_index.{table}
