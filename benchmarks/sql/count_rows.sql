SELECT count(*) FROM benchmark_floor.{table}
