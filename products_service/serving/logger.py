"""gunicorn's logger without its access log."""

from typing import Any

from gunicorn.glogging import Logger as GunicornLogger


class Logger(GunicornLogger):
    """Leaves requests to the application, which knows their route and the database's share."""

    def access(self, *_: Any) -> None:
        """Log nothing: given logconfig_dict, gunicorn would, on every request."""
