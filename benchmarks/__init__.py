"""Measures the service and what it stands on: as a client, where no module says otherwise."""
