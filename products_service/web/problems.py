"""Every error as RFC 9457 problem JSON, and what turns exceptions into them."""

import json
import logging
from collections.abc import Iterable

from flask import Flask, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import HTTP_STATUS_CODES

from products_service.web.application import FinishedResponse
from products_service.web.parameters import InvalidParametersError
from products_service.web.problem_types import INVALID_PARAMETER, PROBLEM_TYPES, TYPE_OF_STATUS
from products_service.web.request_ids import current_request_id

log = logging.getLogger(__name__)

# What a client may read of an error; the cause goes to the log alone.
_DETAILS = {status: PROBLEM_TYPES[TYPE_OF_STATUS[status]].detail for status in (404, 412, 500)}
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = [("Retry-After", "1")]  # seconds
_encode = json.JSONEncoder(separators=(",", ":")).encode


def problem(
    status: int,
    detail: str,
    errors: dict[str, str] | None = None,
    headers: Iterable[tuple[str, str]] = (),
    slug: str | None = None,
) -> FinishedResponse:
    """Return a problem answer; `errors` has a detail by parameter.

    `slug` is the last part of its type, where that is not the status' own.
    """
    body = problem_document(status, detail, current_request_id(), errors, slug).encode()
    line = f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
    headers = [*headers, ("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(body)))]
    return FinishedResponse(line, headers, body)


def problem_document(
    status: int,
    detail: str,
    request_id: str,
    errors: dict[str, str] | None = None,
    slug: str | None = None,
) -> str:
    """Return a problem's JSON text (RFC 9457)."""
    if slug is None:
        slug = INVALID_PARAMETER if errors else TYPE_OF_STATUS.get(status, "http-error")
    document = {
        "type": f"urn:problem-type:{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{request_id}",
    }
    if errors:
        document["errors"] = [
            {"parameter": name, "detail": error} for name, error in errors.items()
        ]
    return _encode(document)


def init_app(app: Flask) -> None:
    """Answer every exception that a request raises with a problem, the database's excepted."""
    app.register_error_handler(InvalidParametersError, _invalid_parameters)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _defect)


def _invalid_parameters(error: InvalidParametersError) -> FinishedResponse:
    names = ", ".join(error.errors)
    return problem(400, f"Not valid in the query: {names}.", error.errors)


def _http_error(error: HTTPException) -> FinishedResponse:
    headers = []
    if isinstance(error, MethodNotAllowed):
        headers.append(("Allow", ", ".join(sorted(error.valid_methods))))
    detail = _DETAILS.get(error.code, error.description)
    return problem(error.code, detail, headers=headers)


def _defect(error: Exception) -> FinishedResponse:
    extra = {"request_id": current_request_id(), "path": request.path}
    log.error("request failed", exc_info=error, extra=extra)
    return problem(500, _DETAILS[500])
