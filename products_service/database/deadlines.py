"""How long a request may wait for PostgreSQL, all in all (docs/decisions/deadline.md)."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Of all that a request waits for, by time.monotonic; a request is a thread or a greenlet, and each
# has a context of its own.
DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


class DeadlinePassedError(Exception):
    """Waiting for PostgreSQL took longer than it may."""

    def __init__(self, message: str = "PostgreSQL did not answer in time") -> None:
        super().__init__(message)


class NoTimeLeftError(DeadlinePassedError):
    """A request has too little time left to connect, which says nothing of any server."""

    def __init__(self) -> None:
        super().__init__("there is no time left to connect")


@contextmanager
def deadline_within(seconds: float) -> Iterator[None]:
    """End every wait of this request after so many seconds, or at the deadline set before."""
    outer = DEADLINE.get()
    DEADLINE.set(min(time.monotonic() + seconds, outer))
    try:
        yield
    finally:
        DEADLINE.set(outer)
