-- Where the copy stands, apart from the catalogue that is served.
CREATE SCHEMA benchmark_index
