"""The service's part of the `flask` command: database, settings, checks, cache and serving."""
