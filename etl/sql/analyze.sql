-- Fresh statistics and a visibility map before the first reader comes.
VACUUM (ANALYZE) catalogue_next.{table}
