"""The id that a request is known by: in its answer, in problems and in the log."""

import re
import uuid

from flask import Flask, Response, g, request

HEADER = "X-Request-ID"
_VALID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def init_app(app: Flask) -> None:
    """Give every answer its request's id."""
    app.after_request(_add_header)


def current_request_id() -> str:
    """Return the id that came with the request when it is a valid one, else one made for it."""
    if "request_id" not in g:
        given = request.headers.get(HEADER, "")
        g.request_id = given if _VALID.fullmatch(given) else uuid.uuid4().hex
    return g.request_id


def _add_header(response: Response) -> Response:
    response.headers[HEADER] = current_request_id()
    return response
