"""What gunicorn is given of ours: a worker class (worker.py), its log, its refusals, draining."""
