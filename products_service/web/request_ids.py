"""The id that a request is known by: in its answer, in problems and in the log."""

import os
import re

from flask import g, request

HEADER = "X-Request-ID"
_VALID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def current_request_id() -> str:
    """Return the id that came with the request when it is a valid one, else one made for it."""
    if "request_id" not in g:
        given = request.environ.get("HTTP_X_REQUEST_ID", "")
        g.request_id = given if _VALID.fullmatch(given) else make_request_id()
    return g.request_id


def make_request_id() -> str:
    """Return a new id of 128 random bits."""
    return os.urandom(16).hex()
