"""What each thing that an answer gets beyond its body costs, in CPU time of the process.

It looks inside the service, as `quick` and `unpooled` do: no client could tell a microsecond of
five hundred. The application is put together with one feature at a time, and called as a server
would; the database is replaced by its answer, so that nothing waits. It runs in a process of its
own, `python -m benchmarks.features ROUNDS`, and figures leave on standard output.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from flask import Flask, Response

from benchmarks.errors import BenchmarkError
from products_service import later
from products_service.config import load_settings
from products_service.database import Row
from products_service.database.observer import Observer
from products_service.ops import metrics
from products_service.statements import read_statements
from products_service.web import access_log, caching, edge, headers, parameters
from products_service.web.application import Application, FinishedResponse

BODY = '{"id":1,"features":[' + ",".join(['{"feature":"Fabric","value":"Canvas"}'] * 10) + "]}"
REQUESTS = 2_000  # in one turn

Feature = Callable[[Flask], None]


class AnsweredDatabase:
    """A database that has answered already."""

    observer = Observer()

    def fetch(self, statement: str, **_: Any) -> Row:
        """Return an answer, telling the observer as Database does."""
        self.observer.taken()
        row = Row(7, "digest", BODY)
        self.observer.returned()
        self.observer.answered(statement, 0.0001, row.load_number)
        return row


def send_as_it_stands(app: Flask) -> None:
    """Answer with a response whose headers are not gone over again."""
    database = app.extensions["database"]

    def get_product(product_id: int) -> FinishedResponse:
        body = database.fetch("get_product", product_id=product_id).body.encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return FinishedResponse("200 OK", headers, body)

    app.view_functions["get_product"] = get_product


def leave_out(app: Flask) -> None:
    """Leave out what Flask does for other applications: hosts, sessions, signals, matching anew."""
    app.__class__ = Application


def surround(
    app: Flask,
    complete: edge.Complete = lambda environ, status, headers: None,
    timer: edge.StatementTimer | None = None,
    observers: Sequence[edge.ExchangeObserver] = (),
) -> None:
    """Wrap the application as the factory does: this alone gives the request its id and times."""
    timer = timer or edge.StatementTimer()
    app.extensions["database"].observer = timer
    app.wsgi_app = edge.Edge(app.wsgi_app, complete, timer, observers)


def add_headers(app: Flask) -> None:
    """Add the headers that every answer has."""
    surround(app, headers.completion(headers.ANY_ORIGIN))


def add_log(app: Flask) -> None:
    """Log every request."""
    surround(app, observers=[access_log.logger("json")])


def add_metrics(app: Flask) -> None:
    """Count every request and statement."""
    surround(app, timer=metrics.DatabaseMetrics(), observers=[metrics.count_requests])


def add_tags(app: Flask) -> None:
    """Answer with an ETag, Cache-Control and Vary, and look at If-None-Match."""
    caching.init_app(app, read_statements())
    database = app.extensions["database"]
    app.view_functions["get_product"] = lambda product_id: caching.conditional(
        lambda: database.fetch("get_product", product_id=product_id)
    )


def add_all(app: Flask) -> None:
    """Do all of it, as the factory does."""
    leave_out(app)
    add_tags(app)
    surround(
        app,
        headers.completion(headers.ANY_ORIGIN),
        metrics.DatabaseMetrics(),
        [metrics.count_requests, access_log.logger("json")],
    )


FEATURES: dict[str, Feature] = {
    "bare Flask": lambda app: None,
    "less of Flask": leave_out,
    "answer sent as it stands": send_as_it_stands,
    "the same, ETag, Cache-Control, Vary": add_tags,
    "request id and times": surround,
    "request id, times, headers": add_headers,
    "request id, times, log line": add_log,
    "request id, times, metrics": add_metrics,
    "all together": add_all,
}


def build(feature: Feature) -> Flask:
    """Return an application with the route that shows a product, and the feature."""
    app = Flask("products_service", static_folder=None)
    app.config.from_mapping(load_settings({}))
    app.extensions["database"] = AnsweredDatabase()
    parameters.init_app(app)

    def get_product(product_id: int) -> Response:
        answer = app.extensions["database"].fetch("get_product", product_id=product_id)
        return Response(answer.body, content_type="application/json")

    app.add_url_rule("/products/<id:product_id>", "get_product", get_product)
    feature(app)
    return app


def measure(rounds: int) -> dict[str, Any]:
    """Return microseconds of CPU per request by feature: median over the rounds, and added."""
    apps = {name: build(feature) for name, feature in FEATURES.items()}
    turns: dict[str, list[float]] = {name: [] for name in FEATURES}
    with logging_to_a_file():
        for app in apps.values():
            turn(app)  # warm
        for _ in range(rounds):
            for name, app in apps.items():
                turns[name].append(turn(app))
    bare = turns["bare Flask"]
    return {
        "requests_per_turn": REQUESTS,
        "rounds": rounds,
        "features": {
            name: {
                "microseconds": round(statistics.median(own), 2),
                "added_microseconds": round(
                    statistics.median(a - b for a, b in zip(own, bare, strict=True)), 2
                ),
            }
            for name, own in turns.items()
        },
    }


def turn(app: Flask) -> float:
    """Return microseconds of CPU per request over one turn."""
    started = time.process_time()
    for number in range(1, REQUESTS + 1):
        body = app.wsgi_app(environ(f"/products/{number}"), start_response)
        b"".join(body)
        if hasattr(body, "close"):
            body.close()
    later.do_due()
    return (time.process_time() - started) / REQUESTS * 1e6


def environ(path: str) -> dict[str, Any]:
    """Return what a server would hand over for GET of a path."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "RAW_URI": path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "*/*",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": None,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    """Take status and headers, as a server does. Raises BenchmarkError unless it is 200."""
    if not status.startswith("200 "):
        raise BenchmarkError(f"the service answers {status}: nothing is measured")


@contextmanager
def logging_to_a_file() -> Iterator[None]:
    """Have the log's lines written to a file that is removed in the end, as a greenlet worker does.

    That is, as many at a time as a pipe takes.
    """
    with tempfile.TemporaryFile() as file:
        before = os.dup(access_log.STDERR)
        os.dup2(file.fileno(), access_log.STDERR)
        later.install(lambda: None)
        try:
            yield
        finally:
            later.do_due()
            later.install(None)
            os.dup2(before, access_log.STDERR)
            os.close(before)


if __name__ == "__main__":
    try:
        json.dump(measure(int(sys.argv[1])), sys.stdout)
    except BenchmarkError as error:
        sys.exit(str(error))
