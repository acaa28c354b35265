DROP SCHEMA benchmark_floor CASCADE
