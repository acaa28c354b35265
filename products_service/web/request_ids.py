"""The id that a request is known by: in its answer, in problems and in the log."""

import random
import re
from typing import Any

from flask import request

HEADER = "X-Request-ID"
ENVIRON_KEY = "products_service.request_id"
_VALID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def accept_request_id(environ: dict[str, Any]) -> str:
    """Return the id that came with the request when it is a valid one, else one made for it."""
    given = environ.get("HTTP_X_REQUEST_ID")
    return given if given and _VALID.fullmatch(given) else make_request_id()


def current_request_id() -> str:
    """Return the id of the request that Flask handles."""
    return request.environ[ENVIRON_KEY]


def make_request_id() -> str:
    """Return a new id of 128 random bits. It is no secret: whoever has many can guess the next."""
    return f"{random.getrandbits(128):032x}"
