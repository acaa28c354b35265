"""Loads the catalogue's CSV files into PostgreSQL: clean, COPY, index, publish."""
