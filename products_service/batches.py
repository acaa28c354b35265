"""Requests that wait for the same statement at the same time are answered by one execution of it.

To send a statement, start it and change to PostgreSQL and back takes longer than finding one more
product's rows (docs/decisions/batches.md). So a worker that serves all its connections in one
thread has one batch under way at a time, and whoever asks meanwhile comes with the next.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from products_service.database_events import DatabaseError, DatabaseTimeoutError, StatementError
from products_service.statements import Statement
from products_service.waiting import Others

# After which the next batch goes beside one that is slow: many times what one takes. The hub may
# see to it 10 ms later.
PATIENCE = 0.01  # seconds
# So that one statement does not become many times as long as any is meant to be.
MOST = 32

# What to execute, and with which values.
Execution = tuple[str, Sequence[Any]]


class Ask(Protocol):
    """Runs a statement."""

    def __call__(self, begin: Callable[[], Execution], seconds: float | None = None) -> list[Any]:
        """Return the rows' answers of what `begin` returns, called once there is a connection.

        Within so many seconds from then on; None: within those that a request has. Raises
        DatabaseError.
        """


class Request:
    """One of a batch: in the end it has an answer, or a failure, or neither: it is to ask alone."""

    __slots__ = ("answer", "failure", "product_id")

    def __init__(self, product_id: int) -> None:
        self.product_id = product_id
        self.answer: Any = None
        self.failure: Callable[[], DatabaseError] | None = None


class Batch:
    """Requests for one statement, and when it was executed for them."""

    def __init__(self, statement: Statement, first: Request) -> None:
        self.requests = [first]
        self._statement = statement
        self.began = math.inf  # by time.monotonic

    def begin(self) -> Execution:
        """Return what to execute now."""
        self.began = time.monotonic()
        ids = [request.product_id for request in self.requests]
        if len(ids) == 1:
            return self._statement.execute, ids
        return self._statement.for_each.execute, [ids]


class Batches:
    """Gathers requests, a batch for each statement; `seconds` is how long a request may take."""

    def __init__(self, ask: Ask, seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._gathering: dict[str, Batch] = {}
        self._line = Line()

    def fetch(self, others: Others, statement: Statement, product_id: int) -> Any:
        """Return the statement's answer for a product. Raises DatabaseError.

        What may have failed for one of several is asked for each of them alone, in the time that
        is left: the fault of one must not be the others'.
        """
        request = Request(product_id)
        batch = self._gathering.get(statement.name)
        if batch is None or len(batch.requests) == MOST:
            self._gathering[statement.name] = batch = Batch(statement, request)
            self._lead(others, statement, batch)
        else:
            batch.requests.append(request)
            others.park(request, math.inf)
        if request.failure is not None:
            raise request.failure()
        if request.answer is not None:
            return request.answer
        left = batch.began + self._seconds - time.monotonic()
        if left <= 0:
            raise DatabaseTimeoutError(f"no answer within {self._seconds} s")
        return self._ask(lambda: (statement.execute, [product_id]), left)[0]

    def _lead(self, others: Others, statement: Statement, batch: Batch) -> None:
        """Ask for all who join until there is a connection, and let them go on."""

        def begin() -> Execution:
            self._close(statement, batch)
            return batch.begin()

        try:
            others.go_last()  # when all who can go on now have asked
            place = self._line.enter(others)
            try:
                answers = self._ask(begin)
            finally:
                self._line.leave(others, place)
            for request, answer in zip(batch.requests, answers, strict=True):
                request.answer = answer
        except (DatabaseTimeoutError, StatementError):
            if len(batch.requests) == 1:
                raise
        except DatabaseError as error:
            for request in batch.requests[1:]:
                request.failure = partial(type(error), str(error))
            raise
        finally:
            self._close(statement, batch)
            for request in batch.requests[1:]:
                others.wake(request)

    def _close(self, statement: Statement, batch: Batch) -> None:
        """Have whoever asks from now on come with the next batch."""
        if self._gathering.get(statement.name) is batch:
            del self._gathering[statement.name]


class Line:
    """Lets the next one in when the last one leaves, or has been in for too long."""

    def __init__(self) -> None:
        self._last: object = None
        self._since = -math.inf
        self._queue: deque[object] = deque()

    def enter(self, others: Others) -> object:
        """Wait until it is our turn; return what to leave with."""
        place = object()
        if self._last is not None:
            self._queue.append(place)
            while not others.park(place, self._since + PATIENCE):
                if self._queue[0] is place and self._since + PATIENCE <= time.monotonic():
                    self._queue.popleft()
                    break
        self._last, self._since = place, time.monotonic()
        return place

    def leave(self, others: Others, place: object) -> None:
        """Let the next one in, unless it came in beside us."""
        if self._last is not place:
            return
        self._last = self._queue.popleft() if self._queue else None
        if self._last is not None:
            self._since = time.monotonic()
            others.wake(self._last)
