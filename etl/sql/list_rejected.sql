SELECT position FROM rejected ORDER BY position
