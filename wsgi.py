"""The application, for gunicorn and for the flask command."""

from flask.cli import NoAppException

from products_service import create_app
from products_service.config import ConfigurationError
from products_service.embedded import EmbeddedError

try:
    app = create_app()
except (ConfigurationError, EmbeddedError) as error:
    # which the flask command shows without a traceback
    raise NoAppException(str(error)) from None
