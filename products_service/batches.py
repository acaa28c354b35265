"""Requests that wait for the same statement at the same time are answered by one execution of it.

To send a statement, start it and change to PostgreSQL and back takes longer than finding one more
product's rows (docs/decisions/batches.md). So a worker that serves all its connections in one
thread has one batch under way at a time, and whoever asks meanwhile comes with the next.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from products_service.database_events import DatabaseError
from products_service.sessions import DEADLINE
from products_service.statements import Statement
from products_service.waiting import Others

# After which the next batch goes beside one that is slow: many times what one takes.
PATIENCE = 0.005  # seconds

# What to execute, and with which values.
Execution = tuple[str, Sequence[Any]]


class Request:
    """One of a batch: in the end it has an answer, or a failure, or neither, which is to try."""

    __slots__ = ("answer", "failure", "product_id")

    def __init__(self, product_id: int) -> None:
        self.product_id = product_id
        self.answer: Any = None
        self.failure: DatabaseError | None = None


class Batches:
    """Gathers requests, one batch for each statement.

    `ask` runs what the function that it is given returns, which it calls as soon as it has a
    connection, and returns the rows' answers. Raises DatabaseError.
    """

    def __init__(self, ask: Callable[[Callable[[], Execution]], Sequence[Any]]) -> None:
        self._ask = ask
        self._gathering: dict[str, list[Request]] = {}
        self._line = Line()

    def fetch(self, others: Others, statement: Statement, product_id: int) -> Any:
        """Return the statement's answer for a product. Raises what `ask` raises.

        What fails for several is asked for each of them alone, if there is time: whose fault it is
        must not be the others'.
        """
        request = Request(product_id)
        batch = self._gathering.get(statement.name)
        if batch is None:
            self._lead(others, statement, [request])
        else:
            batch.append(request)
            others.park(request, math.inf)
        if request.failure is not None:
            raise type(request.failure)(str(request.failure)) from request.failure
        if request.answer is None:
            return self._ask(lambda: (statement.execute, (product_id,)))[0]
        return request.answer

    def _lead(self, others: Others, statement: Statement, batch: list[Request]) -> None:
        """Ask for all who join until there is a connection, and wake them."""

        def begin() -> Execution:
            del self._gathering[statement.name]
            if len(batch) == 1:
                return statement.execute, (batch[0].product_id,)
            return statement.for_each.execute, ([request.product_id for request in batch],)

        self._gathering[statement.name] = batch
        try:
            others.pause()  # until all who can go on in this turn have asked
            place = self._line.enter(others)
            try:
                answers = self._ask(begin)
            finally:
                self._line.leave(others, place)
            for request, answer in zip(batch, answers, strict=True):
                request.answer = answer
        except DatabaseError as error:
            if len(batch) == 1 or time.monotonic() >= DEADLINE.get():
                for request in batch:
                    request.failure = error
        finally:
            if self._gathering.get(statement.name) is batch:  # there was no connection
                del self._gathering[statement.name]
            for request in batch[1:]:
                others.wake(request)


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
