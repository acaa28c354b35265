"""The application, for gunicorn and for the flask command."""

from products_service import create_app

app = create_app()
