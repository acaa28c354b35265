-- The same index on the copy, by its own definition; a primary key as the key that it is.
DO $$
BEGIN
  EXECUTE (
    SELECT
      CASE
        WHEN pg_index.indisprimary THEN format(
          'ALTER TABLE benchmark_index.%%I ADD CONSTRAINT %%I %%s',
          indexed.relname,
          index.relname,
          pg_get_constraintdef(pg_constraint.oid)
        )
        ELSE replace(
          pg_get_indexdef(index.oid), ' ON catalogue.', ' ON benchmark_index.'
        )
      END
    FROM pg_index
    JOIN pg_class AS index ON index.oid = pg_index.indexrelid
    JOIN pg_class AS indexed ON indexed.oid = pg_index.indrelid
    LEFT JOIN pg_constraint
      ON pg_constraint.conindid = index.oid AND pg_constraint.contype = 'p'
    WHERE index.relnamespace = 'catalogue'::regnamespace AND index.relname = %(index)s
  );
END
$$
