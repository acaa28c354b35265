"""How long a request has taken so far, and how much of that was the database's."""

import time

from flask import Flask, g, has_request_context

from products_service.database_events import DatabaseError, Observer


def init_app(app: Flask) -> None:
    """Note when each request begins."""
    app.before_request(_begin)


def _begin() -> None:
    g.started = time.perf_counter()


def elapsed() -> float:
    """Return the seconds since the request began."""
    return time.perf_counter() - g.started


class StatementTimer(Observer):
    """Notes with the request how long its statements took."""

    def answered(self, statement: str, seconds: float, load_number: int) -> None:
        """Add the seconds of a statement that got its answer."""
        _note(seconds)

    def failed(self, statement: str, seconds: float, error: DatabaseError) -> None:
        """Add the seconds of one that got none."""
        _note(seconds)


def _note(seconds: float) -> None:
    if has_request_context():
        g.statement_seconds = g.get("statement_seconds", 0.0) + seconds
