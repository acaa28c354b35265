-- Statements of the service that began before the next catalogue was complete. The snapshot
-- of such a statement may not see all of it.
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database()
  AND application_name = 'products_service'
  AND state = 'active'
  AND query_start < %(complete_at)s
