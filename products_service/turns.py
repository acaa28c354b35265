"""Waiting for one of the pool's connections, as long as they come and go."""

import math
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from products_service import waiting
from products_service.database_events import DatabaseBusyError

BUSY = "every connection of the pool is in use"

# Longer than any statement of a sound database takes, and short enough to be refused "at once".
PATIENCE = 0.05  # seconds in which no connection was taken or given back
LONGEST = 0.1  # seconds; where they do come and go, but to others

_passed_over: ContextVar[bool] = ContextVar("passed_over", default=False)


def pass_over(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns, which is lent no connection: others wait for them."""
    token = _passed_over.set(True)
    try:
        return function(*arguments)
    finally:
        _passed_over.reset(token)


class Turns:
    """Lends what `take` returns, which raises `full` when there is none to be had.

    Requests come in bursts, and each has its connection for a millisecond: who comes when all are
    lent waits. But where nothing moves, because the database is stuck, whoever waits is refused.
    A worker that serves all in one thread has them wait before they come here (serving/slots.py).
    """

    def __init__(self, take: Callable[[], Any], full: type[Exception]) -> None:
        self._take = take
        self._full = full
        self._moved = threading.Condition()
        self._moved_at = -math.inf

    def take(self) -> Any:
        """Return a connection. Raises DatabaseBusyError."""
        if waiting.is_shared():  # with who would give one back
            return self._take_now()
        latest = time.monotonic() + LONGEST
        with self._moved:
            while True:
                try:
                    connection = self._take()
                except self._full:
                    left = min(latest, self._moved_at + PATIENCE) - time.monotonic()
                    if left <= 0:
                        raise DatabaseBusyError(BUSY) from None
                    # Who was told too late looks once more: nobody else was told.
                    self._moved.wait(left)
                else:
                    self._moved_at = time.monotonic()
                    return connection

    def _take_now(self) -> Any:
        if _passed_over.get():
            raise DatabaseBusyError(BUSY)
        try:
            return self._take()
        except self._full:
            raise DatabaseBusyError(BUSY) from None

    def give_back(self, connection: Any) -> None:
        """Let who waits have it."""
        connection.close()
        if waiting.is_shared():
            return
        with self._moved:
            self._moved_at = time.monotonic()
            self._moved.notify()
