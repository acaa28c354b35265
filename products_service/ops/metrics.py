"""What Prometheus may ask: requests, statements, the pool, the load that is served.

The workers of a host count for themselves, in files under PROMETHEUS_MULTIPROC_DIR, which
gunicorn.conf.py sets; whichever is asked adds them up.
"""

import os
from functools import cache

from flask import Flask, Response, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from products_service.database_events import DatabaseError
from products_service.web.timing import StatementTimer, elapsed

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

REQUEST_SECONDS = Histogram(
    "products_request_duration_seconds",
    "Time from a request's routing to its complete answer, without sending it.",
    ["route", "status"],
    buckets=SECONDS,
)
STATEMENT_SECONDS = Histogram(
    "products_statement_duration_seconds",
    "Time from asking the pool for a connection to the statement's row, successful ones.",
    ["statement"],
    buckets=SECONDS,
)
DATABASE_ERRORS = Counter(
    "products_database_errors",
    "Statements that got no answer: busy (the pool refused), unreachable, timeout, defect.",
    ["kind"],
)
POOL_SIZE = Gauge(
    "products_pool_connections_max",
    "Connections that the pools of all workers may have.",
    multiprocess_mode="livesum",
)
POOL_IN_USE = Gauge(
    "products_pool_connections_in_use",
    "Connections that requests are using now.",
    multiprocess_mode="livesum",
)
LOAD_NUMBER = Gauge(
    "products_load_number",
    "Number of the load that the last answer came from.",
    multiprocess_mode="livemostrecent",
)


class DatabaseMetrics(StatementTimer):
    """Counts what the process's database does."""

    def __init__(self, pool_size: int):
        POOL_SIZE.set(pool_size)
        self._load_number = None

    def taken(self) -> None:
        """Count a connection that is in use."""
        POOL_IN_USE.inc()

    def returned(self) -> None:
        """Count a connection that no longer is."""
        POOL_IN_USE.dec()

    def answered(self, statement: str, seconds: float, load_number: int) -> None:
        """Count a statement, and note the load when it is another one."""
        super().answered(statement, seconds, load_number)
        statement_seconds(statement).observe(seconds)
        if load_number != self._load_number:
            self._load_number = load_number
            LOAD_NUMBER.set(load_number)

    def failed(self, statement: str, seconds: float, error: DatabaseError) -> None:
        """Count a statement without an answer."""
        super().failed(statement, seconds, error)
        DATABASE_ERRORS.labels(error.kind).inc()


# Finding a metric by its labels costs half as much as counting: the few there are, are kept.
statement_seconds = cache(STATEMENT_SECONDS.labels)
request_seconds = cache(REQUEST_SECONDS.labels)


def init_app(app: Flask) -> None:
    """Count every request, if METRICS says so."""
    if app.config["METRICS"]:
        app.after_request(_count)


def _count(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    request_seconds(route, response.status_code).observe(elapsed())
    return response


def exposition() -> Response:
    """Return what all workers of the host have counted, in Prometheus' text format."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
