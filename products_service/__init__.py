"""The service behind a shop's product detail page: its application factory."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from products_service import ops, pages, products
from products_service.config import load_settings
from products_service.database import Database
from products_service.database_urls import database_url
from products_service.ops import metrics
from products_service.statements import read_statements
from products_service.web import (
    access_log,
    caching,
    edge,
    failures,
    headers,
    openapi,
    parameters,
    problems,
)
from products_service.web.application import Application

# Read with the code that goes with them: a worker that starts later has the same, whatever release
# the files are of by then.
STATEMENTS = read_statements()


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Return the WSGI application. `settings` are those of config.load_settings.

    Nothing is connected yet: Database.warm_up does, or the first request that needs it.
    Raises ConfigurationError when a variable of the environment is not valid.
    """
    settings = load_settings() if settings is None else settings
    app = Application(__name__, static_folder=None)
    app.config.from_mapping(settings)
    # A path is one resource or none: nothing is redirected to a tidier spelling of itself.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    timer = metrics.DatabaseMetrics() if settings["METRICS"] else edge.StatementTimer()
    app.extensions["database"] = Database(
        database_url(settings, "app"),
        STATEMENTS,
        pool_size=settings["DB_POOL_SIZE"],
        statement_timeout=settings["DB_STATEMENT_TIMEOUT_MS"] / 1000,
        connect_timeout=settings["DB_CONNECT_TIMEOUT_MS"] / 1000,
        deadline=settings["DB_DEADLINE_MS"] / 1000,
        retry_pause=settings["DB_RETRY_PAUSE_MS"] / 1000,
        observer=timer,
    )
    parameters.init_app(app)
    caching.init_app(app, STATEMENTS)
    problems.init_app(app)
    failures.init_app(app)
    app.register_blueprint(products.blueprint)
    app.register_blueprint(ops.blueprint)
    app.register_blueprint(pages.blueprint)
    openapi.init_app(app, [products.describe, pages.describe, ops.describe])
    observers = []
    if settings["METRICS"]:
        metrics.POOL_SIZE.set(settings["DB_POOL_SIZE"])
        observers.append(metrics.count_requests)
    if settings["ACCESS_LOG"]:
        observers.append(access_log.logger(settings["LOG_FORMAT"]))
    complete = headers.completion(settings["CORS_ORIGINS"])
    app.wsgi_app = edge.Edge(app.wsgi_app, complete, timer, observers)
    return app
