"""Every error in the API's description: when it comes, its form, an example of it."""

import json
from typing import Any, NamedTuple

from products_service.web.answers import InvalidParameters, Problem
from products_service.web.problems import DRAINING, INVALID_PARAMETER, MEDIA_TYPE, problem_document

# The id that examples carry.
REQUEST_ID = "5f0c7a3e9d1b4268a7e04c95b1d2f836"


class Kind(NamedTuple):
    """A type of problem: its status, when it comes, the detail of its example."""

    status: int
    when: str
    detail: str


KINDS = {
    INVALID_PARAMETER: Kind(
        400,
        "A query parameter is malformed, out of its range, empty, given twice or together with one "
        "that it does not go with, or the query is not UTF-8; `errors` names each.",
        "Not valid in the query: page.",
    ),
    "bad-request": Kind(
        400, "Or this is not a valid HTTP request.", "This is not a valid HTTP request."
    ),
    "forbidden": Kind(
        403, "The HTTP parser does not let the request in.", "This request is not allowed."
    ),
    "not-found": Kind(
        404,
        "There is nothing at this path: no such route, or no product with this id. A text that "
        "cannot be an id is such a path.",
        "There is nothing at this path.",
    ),
    "method-not-allowed": Kind(
        405,
        "This path lacks the method; `Allow` lists those that it has.",
        "The method is not allowed for the requested URL.",
    ),
    "request-timeout": Kind(
        408, "The request did not arrive in time.", "The request did not arrive in time."
    ),
    "precondition-failed": Kind(
        412,
        "`If-Match` does not name the answer that there is.",
        "What is here is not what the request's condition names.",
    ),
    "content-too-large": Kind(
        413,
        "The request's body is too large: no resource takes one.",
        "The request's body is too large: no resource takes one.",
    ),
    "uri-too-long": Kind(414, "The request line is too long.", "The request line is too long."),
    "expectation-failed": Kind(
        417,
        "`Expect` asks for something else than `100-continue`.",
        "The expectation is not one that this server meets.",
    ),
    "misdirected-request": Kind(
        421,
        "The request is for another host.",
        "This server does not answer for that host name.",
    ),
    "too-many-requests": Kind(
        429,
        "The client's address sends more requests than the balancer lets through.",
        "More requests from this address than are allowed in a second.",
    ),
    "request-header-fields-too-large": Kind(
        431,
        "The header fields are too many or too long.",
        "The header fields are too many or too long.",
    ),
    "internal-error": Kind(
        500,
        "A defect of the service; it is logged under the request's id.",
        "The service failed on this request. The failure is logged under the request's id.",
    ),
    "not-implemented": Kind(
        501,
        "The transfer coding is none that the server knows.",
        "The transfer coding is not supported.",
    ),
    "bad-gateway": Kind(
        502,
        "Another balancer, before that of the service, got an answer that makes no sense.",
        "The request could not be answered.",
    ),
    "database-unavailable": Kind(
        503,
        "The database cannot be reached, or every connection is busy.",
        "Every database connection is busy.",
    ),
    DRAINING: Kind(
        503, "Or, from `/ready`, the host is about to stop.", "This host is about to stop."
    ),
    "no-host-available": Kind(
        503,
        "Or no host can take the request.",
        "None of the service's hosts can take this request now.",
    ),
    "database-timeout": Kind(
        504,
        "The database did not answer within its time limit; the statement ran once.",
        "The database did not answer within its time limit.",
    ),
    "gateway-timeout": Kind(
        504, "Or the hosts did not answer in time.", "The service's hosts did not answer in time."
    ),
    "http-version-not-supported": Kind(
        505,
        "The HTTP version is none that the server speaks.",
        "This version of HTTP is not supported.",
    ),
}
ERRORS = {INVALID_PARAMETER: {"page": "is given more than once"}}
# What may come on any path: from gunicorn's parser, the balancer or the application.
EVERYWHERE = (400, 405, 408, 413, 414, 417, 429, 431, 500, 501, 503, 504, 505)
HEADERS = {
    405: ["Allow"],
    429: ["Retry-After"],
    503: ["Retry-After"],
    504: ["Retry-After"],
}


def responses() -> dict[int, dict[str, Any]]:
    """Return every error's Response Object by its status; their schemas are marshmallow's."""
    return {status: _response(status) for status in {kind.status for kind in KINDS.values()}}


def _response(status: int) -> dict[str, Any]:
    kinds = {slug: kind for slug, kind in KINDS.items() if kind.status == status}
    schemas = [_schema(slug, kind) for slug, kind in kinds.items()]
    headers = ["X-Request-ID", "Cache-Control", *HEADERS.get(status, ())]
    return {
        "description": " ".join(kind.when for kind in kinds.values()),
        "headers": {name: name for name in headers},
        "content": {
            MEDIA_TYPE: {
                "schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                "examples": {slug: {"value": _example(slug, kind)} for slug, kind in kinds.items()},
            }
        },
    }


def _schema(slug: str, kind: Kind) -> dict[str, Any]:
    form = InvalidParameters if slug == INVALID_PARAMETER else Problem
    exactly = {"type": {"const": f"urn:problem-type:{slug}"}, "status": {"const": kind.status}}
    return {"allOf": [form, {"properties": exactly}]}


def _example(slug: str, kind: Kind) -> dict[str, Any]:
    """Return the problem as the service writes it."""
    text = problem_document(kind.status, kind.detail, REQUEST_ID, ERRORS.get(slug), slug)
    return json.loads(text)
