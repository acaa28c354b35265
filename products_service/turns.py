"""Waiting for one of the pool's connections, as long as they come and go."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from products_service import waiting
from products_service.database_events import DatabaseBusyError

BUSY = "every connection of the pool is in use"

# In which no connection was taken or given back. Longer than any statement of a sound database
# takes, and short enough to be refused "at once".
PATIENCE = 0.05  # seconds
# Where one thread serves all, and searches take their turns with it.
PATIENCE_AMONG_OTHERS = 0.15  # seconds
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
    """Lends what `take` returns, `size` of them at a time; more raise `full`.

    Requests come in bursts, and each has its connection for a millisecond: who comes when all are
    lent waits. But where nothing moves, because the database is stuck, whoever waits is refused.
    A worker that serves all in one thread lets only a few come here (serving/slots.py).
    """

    def __init__(self, take: Callable[[], Any], full: type[Exception], size: int) -> None:
        self._take = take
        self._full = full
        self._moved = threading.Condition()
        self._moved_at = -math.inf
        # of those who share a thread; whoever waits is given the place of who gives back
        self._free = size
        self._queue: deque[object] = deque()

    def take(self, deadline: float) -> Any:
        """Return a connection. Raises DatabaseBusyError. The deadline is by time.monotonic."""
        others = waiting.others()
        if others is not None:
            return self._take_among(others, deadline)
        latest = time.monotonic() + LONGEST
        with self._moved:
            while True:
                try:
                    connection = self._take()
                except self._full:
                    left = min(latest, deadline, self._moved_at + PATIENCE) - time.monotonic()
                    if left <= 0:
                        raise DatabaseBusyError(BUSY) from None
                    # Who was told too late looks once more: nobody else was told.
                    self._moved.wait(left)
                else:
                    self._moved_at = time.monotonic()
                    return connection

    def _take_among(self, others: waiting.Others, deadline: float) -> Any:
        if _passed_over.get():
            raise DatabaseBusyError(BUSY)
        if self._free:
            self._free -= 1
        else:
            self._wait_among(others, deadline)
        self._moved_at = time.monotonic()
        return self._take()

    def _wait_among(self, others: waiting.Others, deadline: float) -> None:
        """Wait until somebody gives us a place. Raises DatabaseBusyError."""
        place = object()
        self._queue.append(place)
        while (until := min(deadline, self._moved_at + PATIENCE_AMONG_OTHERS)) > time.monotonic():
            if others.park(place, until):
                return
        self._queue.remove(place)
        raise DatabaseBusyError(BUSY)

    def give_back(self, connection: Any) -> None:
        """Let who waits longest have it."""
        connection.close()
        others = waiting.others()
        self._moved_at = time.monotonic()
        if others is None:
            with self._moved:
                self._moved.notify()
        elif self._queue:
            others.wake(self._queue.popleft())
        else:
            self._free += 1
