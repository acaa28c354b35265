"""The service's part of the `flask` command: its database, and serving all of it at once."""
