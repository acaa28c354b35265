"""What gunicorn is given of ours: how it logs, and how it refuses what is no request."""
