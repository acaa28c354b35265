"""Every error in the API's description: its form, and an example of it."""

import json
from typing import Any

from products_service.web.answers import InvalidParameters, Problem
from products_service.web.components import NOT_KEPT, REQUEST_ID
from products_service.web.problem_types import INVALID_PARAMETER, PROBLEM_TYPES, ProblemType
from products_service.web.problems import MEDIA_TYPE, problem_document

ERRORS = {INVALID_PARAMETER: {"page": "is given more than once"}}
# What may come on any path: from gunicorn's parser, the balancer or the application.
EVERYWHERE = (400, 405, 408, 413, 414, 417, 429, 431, 500, 501, 503, 504, 505)
# Components of headers, by the header's name. Only the balancer's 504 says when to ask again.
HEADERS = {
    405: {"Allow": "Allow"},
    429: {"Retry-After": "Retry-After"},
    503: {"Retry-After": "Retry-After"},
    504: {"Retry-After": "Retry-After-Of-Some"},
}


def responses() -> dict[int, dict[str, Any]]:
    """Return every error's Response Object by its status; their schemas are marshmallow's."""
    return {
        status: _response(status) for status in {kind.status for kind in PROBLEM_TYPES.values()}
    }


def _response(status: int) -> dict[str, Any]:
    kinds = {slug: kind for slug, kind in PROBLEM_TYPES.items() if kind.status == status}
    schemas = [_schema(slug, kind) for slug, kind in kinds.items()]
    headers = {"X-Request-ID": "X-Request-ID", "Cache-Control": NOT_KEPT}
    return {
        "description": " ".join(kind.when for kind in kinds.values()),
        "headers": headers | HEADERS.get(status, {}),
        "content": {
            MEDIA_TYPE: {
                "schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                "examples": {slug: {"value": _example(slug, kind)} for slug, kind in kinds.items()},
            }
        },
    }


def _schema(slug: str, kind: ProblemType) -> dict[str, Any]:
    form = InvalidParameters if slug == INVALID_PARAMETER else Problem
    exactly = {"type": {"const": f"urn:problem-type:{slug}"}, "status": {"const": kind.status}}
    return {"allOf": [form, {"properties": exactly}]}


def _example(slug: str, kind: ProblemType) -> dict[str, Any]:
    """Return the problem as the service writes it."""
    text = problem_document(kind.status, kind.detail, REQUEST_ID, ERRORS.get(slug), slug)
    return json.loads(text)
