"""Requests that gunicorn's parser refuses are answered like every other error: problem JSON.

The application never sees them, and gunicorn has no hook for what it writes, an HTML page: so
the one function that writes it is replaced.
"""

import logging
import socket
from functools import partial
from http import HTTPStatus

from gunicorn import util

from products_service.web.headers import ANY_ORIGIN, API_POLICY, Headers, cross_origin
from products_service.web.problem_responses import KINDS
from products_service.web.problems import MEDIA_TYPE, TYPES, problem_document
from products_service.web.request_ids import HEADER, make_request_id

log = logging.getLogger(__name__)


def install(origins: frozenset[str]) -> None:
    """Have gunicorn's workers, forked later, refuse with problems.

    Pages of all origins may read them if `origins` are all; else none: which one it was that asked,
    the parser does not say.
    """
    readable = cross_origin("*") if origins == ANY_ORIGIN else []
    util.write_error = partial(write_problem, readable)


def write_problem(
    readable: Headers, connection: socket.socket, status: int, reason: str, message: str
) -> None:
    """Send a problem in the place of gunicorn.util.write_error's page, with headers of ours."""
    del reason, message  # the message quotes what was sent; gunicorn has logged it
    detail = KINDS[TYPES.get(status, "internal-error")].detail
    request_id = make_request_id()
    log.info("request refused", extra={"request_id": request_id, "status": status})
    body = problem_document(status, detail, request_id).encode()
    head = "\r\n".join(
        [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "Connection: close",
            f"Content-Type: {MEDIA_TYPE}",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            f"Content-Security-Policy: {API_POLICY}",
            f"{HEADER}: {request_id}",
            *(f"{name}: {value}" for name, value in readable),
            "\r\n",
        ]
    )
    util.write_nonblock(connection, head.encode() + body)
