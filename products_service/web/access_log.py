"""One line a request on standard error: which, what became of it, how long it took.

The line is written directly: through `logging` it would cost twice as much (docs/performance.md),
on every request. What else is logged goes through `logging`, in the same forms (logs.py).
"""

import json
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request

from products_service.web.request_ids import current_request_id
from products_service.web.timing import elapsed

STDERR = 2
# A line that is shorter than a pipe's atomic unit is never torn by another process's.
LONGEST_PATH = 600  # characters, of which JSON may make six each
_to_json = json.JSONEncoder(separators=(",", ":")).encode


def init_app(app: Flask) -> None:
    """Log every request, if ACCESS_LOG says so."""
    if not app.config["ACCESS_LOG"]:
        return
    form = {"json": _to_json, "text": _to_text}[app.config["LOG_FORMAT"]]

    @app.after_request
    def log(response: Response) -> Response:
        write(form(entry(response)))
        return response


def entry(response: Response) -> dict[str, Any]:
    """Return what is said of the request: times in milliseconds, the body's size in bytes."""
    environ = request.environ
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    return {
        "timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
        "level": "info",
        "event": "request",
        "request_id": current_request_id(),
        "method": environ["REQUEST_METHOD"],
        "path": (f"{path}?{query}" if query else path)[:LONGEST_PATH],
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "bytes": response.content_length,
        "duration_ms": round(elapsed() * 1000, 3),
        "statement_ms": round(g.get("statement_seconds", 0.0) * 1000, 3),
    }


def write(line: str) -> None:
    """Write the line in one piece; a reader that has gone away is no reason to fail a request."""
    with suppress(OSError):
        os.write(STDERR, f"{line}\n".encode())


def _to_text(entry: dict[str, Any]) -> str:
    return (
        "{timestamp} {method} {path!a} {status} {bytes} bytes {duration_ms} ms "
        "(statement {statement_ms} ms) {request_id}".format_map(entry)
    )
