"""What is answered and logged where the database gives no answer."""

import logging
import time
from collections import Counter

from flask import Flask

from products_service.database.errors import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
)
from products_service.web.application import FinishedResponse
from products_service.web.problem_types import PROBLEM_TYPES
from products_service.web.problems import RETRY_AFTER, problem
from products_service.web.request_ids import current_request_id

log = logging.getLogger(__name__)

ANSWERS: dict[type[DatabaseError], tuple[int, str]] = {
    DatabaseBusyError: (503, PROBLEM_TYPES["database-unavailable"].detail),
    DatabaseUnreachableError: (503, "The database cannot be reached."),
    DatabaseTimeoutError: (504, PROBLEM_TYPES["database-timeout"].detail),
}

# Of each kind of failure a line is logged, and then none for so long. They come in floods, and a
# line costs as much as all else that a refusal is.
QUIET = 1.0  # seconds


def init_app(app: Flask) -> None:
    """Answer requests whose statement failed with a problem."""
    failures = Failures()
    for error in ANSWERS:
        app.register_error_handler(error, failures.answer)


class Failures:
    """Makes a problem of each, and has the log say what the client is not told: why."""

    def __init__(self) -> None:
        self._quiet_until: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def answer(self, error: DatabaseError) -> FinishedResponse:
        """Answer with what is said of it; where that is 503, the client may come again."""
        self._log(error)
        status, detail = ANSWERS[type(error)]
        return problem(status, detail, headers=RETRY_AFTER if status == 503 else ())

    def _log(self, error: DatabaseError) -> None:
        now = time.monotonic()
        if now < self._quiet_until.get(error.kind, now):
            self._unsaid[error.kind] += 1
            return
        self._quiet_until[error.kind] = now + QUIET
        extra = {
            "request_id": current_request_id(),
            "kind": error.kind,
            "cause": str(error).strip(),
            # of its kind, since the line before
            "not_logged": self._unsaid.pop(error.kind, 0),
        }
        log.warning("no answer from the database", extra=extra)
