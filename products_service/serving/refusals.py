"""Requests that gunicorn's parser refuses are answered like every other error: problem JSON.

The application never sees them, and gunicorn has no hook for what it writes, an HTML page: so
the one function that writes it is replaced.
"""

import logging
import socket
from email.utils import formatdate
from functools import partial
from http import HTTPStatus

from gunicorn import SERVER, util

from products_service.web.edge import Complete
from products_service.web.headers import ANY_ORIGIN, completion
from products_service.web.problem_types import PROBLEM_TYPES, TYPE_OF_STATUS
from products_service.web.problems import MEDIA_TYPE, problem_document
from products_service.web.request_ids import ENVIRON_KEY, make_request_id

log = logging.getLogger(__name__)


def install(origins: frozenset[str]) -> None:
    """Have gunicorn's workers, forked later, refuse with problems.

    Pages of all origins may read them if `origins` are all; else none: which one it was that asked,
    the parser does not say.
    """
    readers = origins if origins == ANY_ORIGIN else frozenset()
    util.write_error = partial(write_problem, completion(readers))


def write_problem(
    complete: Complete, connection: socket.socket, status: int, reason: str, message: str
) -> None:
    """Send a problem in the place of gunicorn.util.write_error's page, with headers of ours."""
    del reason, message  # the message quotes what was sent; gunicorn has logged it
    detail = PROBLEM_TYPES[TYPE_OF_STATUS.get(status, "internal-error")].detail
    request_id = make_request_id()
    # of a defect gunicorn has logged the traceback, but not the id that the client is told
    level = logging.ERROR if status == 500 else logging.INFO
    log.log(level, "request refused", extra={"request_id": request_id, "status": status})
    body = problem_document(status, detail, request_id).encode()
    line = f"{status} {HTTPStatus(status).phrase}"
    headers = [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(body)))]
    # of whatever method it was
    complete({ENVIRON_KEY: request_id, "REQUEST_METHOD": "GET"}, line, headers)
    ours = [("Server", SERVER), ("Date", formatdate(usegmt=True)), ("Connection", "close")]
    fields = "".join(f"{name}: {value}\r\n" for name, value in [*ours, *headers])
    util.write_nonblock(connection, f"HTTP/1.1 {line}\r\n{fields}\r\n".encode() + body)
