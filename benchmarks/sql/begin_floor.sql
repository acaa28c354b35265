-- Where the floor's tables stand, empty.
DROP SCHEMA IF EXISTS benchmark_floor CASCADE;
CREATE SCHEMA benchmark_floor
