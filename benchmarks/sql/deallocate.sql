-- No prepared statement is left: the next is planned for the indexes there are.
DEALLOCATE ALL
