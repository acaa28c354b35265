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
from typing import Any

from products_service.database_events import DatabaseError, DatabaseTimeoutError, StatementError
from products_service.statements import Statement
from products_service.waiting import Others

# After which the next batch goes beside one that is slow: many times what one takes. The hub may
# see to it 10 ms later.
PATIENCE = 0.01  # seconds
# So that one statement does not become many times as long as any is meant to be.
MOST = 32
# How long each asks alone after a batch that took too long, for which one of its products is to
# blame, or the database: side by side, on the pool's connections, others have less to do with it.
APART = 10.0  # seconds

# What to execute, and with which values.
Execution = tuple[str, Sequence[Any]]


class Request:
    """One of a batch: in the end it has an answer, or a failure, or neither: it is to ask alone."""

    __slots__ = ("answer", "failure", "product_id")

    def __init__(self, product_id: int) -> None:
        self.product_id = product_id
        self.answer: Any = None
        self.failure: Callable[[], DatabaseError] | None = None


class Batches:
    """Gathers requests, a batch for each statement.

    `ask` runs what the function that it is given returns, which it calls as soon as it has a
    connection, and returns the rows' answers. Raises DatabaseError.
    """

    def __init__(self, ask: Callable[[Callable[[], Execution]], Sequence[Any]]) -> None:
        self._ask = ask
        self._gathering: dict[str, list[Request]] = {}
        self._line = Line()
        self._apart_until = -math.inf  # by time.monotonic

    def fetch(self, others: Others, statement: Statement, product_id: int) -> Any:
        """Return the statement's answer for a product. Raises DatabaseError.

        Where one of several has a defect, which shows at once, each is asked for alone. Where time
        ran out none is: no statement is run again that took long.
        """
        if time.monotonic() < self._apart_until:
            return self._ask_alone(statement, product_id)
        request = Request(product_id)
        batch = self._gathering.get(statement.name)
        if batch is None or len(batch) == MOST:
            self._lead(others, statement, [request])
        else:
            batch.append(request)
            others.park(request, math.inf)
        if request.failure is not None:
            raise request.failure()
        if request.answer is None:
            return self._ask_alone(statement, product_id)
        return request.answer

    def _ask_alone(self, statement: Statement, product_id: int) -> Any:
        return self._ask(lambda: (statement.execute, [product_id]))[0]

    def _lead(self, others: Others, statement: Statement, batch: list[Request]) -> None:
        """Ask for all who join until there is a connection, and let them go on."""

        def begin() -> Execution:
            self._close(statement, batch)
            ids = [request.product_id for request in batch]
            return (statement.for_each.execute, [ids]) if ids[1:] else (statement.execute, ids)

        self._gathering[statement.name] = batch
        try:
            others.go_last()  # when all who can go on now have asked
            place = self._line.enter(others)
            try:
                answers = self._ask(begin)
            finally:
                self._line.leave(others, place)
            for request, answer in zip(batch, answers, strict=True):
                request.answer = answer
        except StatementError:
            if len(batch) == 1:
                raise
        except DatabaseError as error:
            if len(batch) > 1 and isinstance(error, DatabaseTimeoutError):
                self._apart_until = time.monotonic() + APART
            for request in batch[1:]:
                request.failure = partial(type(error), str(error))
            raise
        finally:
            self._close(statement, batch)
            for request in batch[1:]:
                others.wake(request)

    def _close(self, statement: Statement, batch: list[Request]) -> None:
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
