"""Waiting for one of the pool's connections, as long as they come and go."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from products_service import waiting
from products_service.database.errors import DatabaseBusyError
from products_service.database.pooled_db import PooledDB, PoolEmptyError

BUSY = "every connection of the pool is in use"

# Longer than any statement of a sound database takes, and short enough to be refused "at once".
PATIENCE = 0.05  # seconds in which no connection was taken or given back
LONGEST = 0.1  # seconds; where they do come and go, but to others
# The same where one thread serves all, and whatever else it does takes its time from statements.
# Requests that come here have waited for a slot before (serving/slots.py).
PATIENCE_IN_ONE_THREAD = 0.15  # seconds
LONGEST_IN_ONE_THREAD = 0.25  # seconds; several searches, one after the other

_shed: ContextVar[bool] = ContextVar("shed", default=False)


def shed(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns. No fetch inside it gets a connection.

    It raises DatabaseBusyError at once, also where one is free: that is for those whose turn it is
    (docs/decisions/worker.md).
    """
    token = _shed.set(True)
    try:
        return function(*arguments)
    finally:
        _shed.reset(token)


def is_shed() -> bool:
    """Whether fetches of the current request are refused, since `shed` runs it."""
    return _shed.get()


class Checkouts:
    """Lends the connections of a pool of that size.

    Requests come in bursts, and each has its connection for a millisecond: who comes when all are
    lent waits. But where nothing moves, because the database is stuck, whoever waits is refused.
    A worker that serves all in one thread lets only a few come here (serving/slots.py).
    """

    def __init__(self, pool: PooledDB, size: int) -> None:
        self._pool = pool
        self._moved = threading.Condition()
        self._moved_at = -math.inf
        # Of those who share a thread. A place that is given back goes to the first in the queue,
        # and is not free in between.
        self._free = size
        self._queue: deque[object] = deque()

    def take(self) -> Any:
        """Return a connection. Raises DatabaseBusyError."""
        scheduler = waiting.scheduler()
        if scheduler is not None:
            return self._take_cooperatively(scheduler)
        latest = time.monotonic() + LONGEST
        with self._moved:
            while True:
                try:
                    connection = self._pool.connection()
                except PoolEmptyError:
                    left = min(latest, self._moved_at + PATIENCE) - time.monotonic()
                    if left <= 0:
                        raise DatabaseBusyError(BUSY) from None
                    # Who was told too late tries once more: nobody else was told.
                    self._moved.wait(left)
                else:
                    self._moved_at = time.monotonic()
                    return connection

    def _take_cooperatively(self, scheduler: waiting.Scheduler) -> Any:
        if self._free:
            self._free -= 1
        else:
            self._wait_cooperatively(scheduler)
        try:
            return self._pool.connection()
        except BaseException:
            self._pass_on(scheduler)
            raise
        finally:
            self._moved_at = time.monotonic()

    def _wait_cooperatively(self, scheduler: waiting.Scheduler) -> None:
        """Wait until somebody passes a place on to us. Raises DatabaseBusyError."""
        place = object()
        self._queue.append(place)
        latest = time.monotonic() + LONGEST_IN_ONE_THREAD

        def end() -> float:
            return min(latest, self._moved_at + PATIENCE_IN_ONE_THREAD)

        # Once more also when the time is up: a worker that was kept from running sees in any order
        # what has come meanwhile, and a connection may be given back later in this turn.
        while not scheduler.park(place, end()):
            if end() <= time.monotonic():
                self._queue.remove(place)
                raise DatabaseBusyError(BUSY)

    def _pass_on(self, scheduler: waiting.Scheduler) -> None:
        if self._queue:
            scheduler.wake(self._queue.popleft())
        else:
            self._free += 1

    def are_wanted(self) -> bool:
        """Whether somebody who shares the thread waits for one."""
        return bool(self._queue)

    def give_back(self, connection: Any) -> None:
        """Let who waits longest have it."""
        connection.close()
        scheduler = waiting.scheduler()
        if scheduler is not None:
            self._moved_at = time.monotonic()
            self._pass_on(scheduler)
            return
        with self._moved:
            self._moved_at = time.monotonic()
            self._moved.notify()
