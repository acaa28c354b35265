"""Measures the service and what it stands on: a client, which shares none of its code paths."""
