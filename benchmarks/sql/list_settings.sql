-- What bears on plans, caches and writing, as this session has it.
SELECT name, current_setting(name)
FROM pg_settings
WHERE name IN (
  'server_version', 'shared_buffers', 'effective_cache_size', 'work_mem', 'random_page_cost',
  'seq_page_cost', 'effective_io_concurrency', 'io_method', 'jit', 'plan_cache_mode',
  'max_parallel_workers_per_gather', 'max_parallel_workers', 'max_parallel_maintenance_workers',
  'maintenance_work_mem', 'wal_level', 'max_wal_size', 'fsync', 'full_page_writes',
  'synchronous_commit'
)
ORDER BY name
