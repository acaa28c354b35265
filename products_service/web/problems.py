"""Every error as RFC 9457 problem JSON, and the one place that turns exceptions into them."""

import json
import logging
from http import HTTPStatus

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from products_service.database import (
    DatabaseBusyError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
)
from products_service.web.parameters import InvalidParametersError
from products_service.web.request_ids import current_request_id

log = logging.getLogger(__name__)

# The last part of a problem's type, where it says more than the status's own phrase does.
TYPES = {
    400: "invalid-parameter",
    500: "internal-error",
    503: "database-unavailable",
    504: "database-timeout",
}
# What a client may read of an error; the cause goes to the log alone.
_DETAILS = {
    404: "There is nothing at this path.",
    500: "The service failed on this request. The failure is logged under the request's id.",
}
RETRY_AFTER = {"Retry-After": "1"}  # seconds


def problem(
    status: int,
    detail: str,
    errors: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem answer; `errors` has a detail by parameter."""
    phrase = HTTPStatus(status).phrase
    slug = TYPES.get(status, phrase.lower().replace(" ", "-"))
    document = {
        "type": f"urn:problem-type:{slug}",
        "title": slug.replace("-", " ").capitalize() if status in TYPES else phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{current_request_id()}",
    }
    if errors:
        document["errors"] = [
            {"parameter": name, "detail": error} for name, error in errors.items()
        ]
    body = json.dumps(document, separators=(",", ":"))
    return Response(body, status, headers, mimetype="application/problem+json")


def init_app(app: Flask) -> None:
    """Answer every exception that a request raises with a problem."""
    app.register_error_handler(InvalidParametersError, _invalid_parameters)
    app.register_error_handler(DatabaseBusyError, _busy)
    app.register_error_handler(DatabaseUnreachableError, _unreachable)
    app.register_error_handler(DatabaseTimeoutError, _timed_out)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _defect)


def _invalid_parameters(error: InvalidParametersError) -> Response:
    names = ", ".join(error.errors)
    return problem(400, f"Not valid in the query: {names}.", error.errors)


def _busy(error: DatabaseBusyError) -> Response:
    log.warning("request %s: %s", current_request_id(), error)
    return problem(503, "Every database connection is busy.", headers=RETRY_AFTER)


def _unreachable(error: DatabaseUnreachableError) -> Response:
    log.warning("request %s: database unreachable: %s", current_request_id(), error)
    return problem(503, "The database cannot be reached.", headers=RETRY_AFTER)


def _timed_out(error: DatabaseTimeoutError) -> Response:
    log.warning("request %s: %s", current_request_id(), error)
    return problem(504, "The database did not answer within its time limit.")


def _http_error(error: HTTPException) -> Response:
    # Only a 405's Allow is worth keeping of what werkzeug would have answered.
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    detail = _DETAILS.get(error.code, error.description)
    return problem(error.code, detail, headers=headers)


def _defect(error: Exception) -> Response:
    log.error("request %s failed", current_request_id(), exc_info=error)
    return problem(500, _DETAILS[500])
