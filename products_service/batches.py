"""Requests that wait at the same time for what PostgreSQL knows of a product, answered together.

To send a statement, start it and change to PostgreSQL and back takes longer than finding one more
product's rows (docs/decisions/batches.md). So a worker that serves all its connections in one
thread has one batch under way at a time, and whoever asks meanwhile comes with the next.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from products_service.database_events import DatabaseError, DatabaseTimeoutError, StatementError
from products_service.statements import Statement, all_for_each
from products_service.waiting import Others

# After which the next batch goes beside one that is slow: many times what one takes. The hub may
# see to it 10 ms later.
PATIENCE = 0.01  # seconds
# So that one statement does not become many times as long as any is meant to be.
MOST = 32
# However few are present: to ask twice for so few takes longer than it gains.
FEW = 4
# How long each asks alone after a batch that took too long, for which one of its products is to
# blame, or the database: side by side, on the pool's connections, others have less to do with it.
APART = 10.0  # seconds

# What to execute, and with which values.
Execution = tuple[str, Sequence[Any]]


class Question:
    """One of a batch: in the end it has an answer, or a failure, or neither: it is to ask alone."""

    __slots__ = ("answer", "failure", "product_id", "statement")

    def __init__(self, statement: Statement, product_id: int) -> None:
        self.statement = statement
        self.product_id = product_id
        self.answer: Any = None
        self.failure: Callable[[], DatabaseError] | None = None


class Batches:
    """Gathers requests of all statements that take a product's id, those of a batch together.

    `ask(begin, for_others=...)` waits for a connection, then calls `begin()` for what to execute,
    and returns the rows, an answer each. `for_others` is whether other requests depend on it too,
    so that it has a whole deadline. It raises DatabaseError.
    """

    def __init__(
        self,
        ask: Callable[..., Sequence[Any]],
        statements: Iterable[Statement],
    ) -> None:
        statements = [each for each in statements if each.for_each is not None]
        self._ask = ask
        self._all = all_for_each(statements)
        self._places = {each.name: place for place, each in enumerate(statements)}
        self._gathering: list[Question] | None = None
        self._present = 0  # who gathers, and who waits for an answer
        self._line = Line()
        self._apart_until = -math.inf  # by time.monotonic

    def fetch(self, others: Others, statement: Statement, product_id: int) -> Any:
        """Return the statement's answer for a product. Raises DatabaseError.

        Where one of several has a defect, which shows at once, each is asked for alone. Where time
        ran out none is: no statement is run again that took long.
        """
        if time.monotonic() < self._apart_until:
            return self._ask_alone(statement, product_id)
        question = Question(statement, product_id)
        self._present += 1
        try:
            self._gather(others, question)
        finally:
            self._present -= 1
        if question.failure is not None:
            raise question.failure()
        if question.answer is None:
            return self._ask_alone(statement, product_id)
        return question.answer

    def _ask_alone(self, statement: Statement, product_id: int) -> Any:
        return self._ask(lambda: (statement.execute, [product_id]))[0]

    def _gather(self, others: Others, question: Question) -> None:
        """Ask together with those who wait; return when that is done.

        A batch takes half of those who are present: were it all of them, the worker would have
        nothing to do while PostgreSQL has, and the other way round.
        """
        batch = self._gathering
        if batch is None or len(batch) >= min(MOST, max(FEW, self._present // 2)):
            self._lead(others, [question])
        else:
            batch.append(question)
            others.park(question, math.inf)

    def _lead(self, others: Others, batch: list[Question]) -> None:
        """Ask for all who join until there is a connection, and let them go on."""
        asked: list[Question] = []  # as they are answered

        def begin() -> Execution:
            self._close(batch)
            asked.extend(sorted(batch, key=self._place))
            return self._execution(asked)

        self._gathering = batch
        place = None
        try:
            others.go_last()  # when all who can go on now have asked
            place = self._line.enter(others)
            answers = self._ask(begin, for_others=True)
            for question, answer in zip(asked, answers, strict=True):
                question.answer = answer
        except StatementError:
            if len(batch) == 1:
                raise
        except DatabaseError as error:
            if len(batch) > 1 and isinstance(error, DatabaseTimeoutError):
                self._apart_until = time.monotonic() + APART
            for question in batch[1:]:
                question.failure = partial(type(error), str(error))
            raise
        finally:
            self._close(batch)
            for question in batch[1:]:
                others.wake(question)
            # Before any of these makes its answer, the next batch is asked for, so that PostgreSQL
            # has something to do meanwhile.
            self._line.leave(others, place)

    def _close(self, batch: list[Question]) -> None:
        """Have whoever asks from now on come with the next batch."""
        if self._gathering is batch:
            self._gathering = None

    def _place(self, question: Question) -> int:
        return self._places[question.statement.name]

    def _execution(self, asked: Sequence[Question]) -> Execution:
        """Return what asks for them, who are in the order of the statements."""
        first, last = asked[0].statement, asked[-1].statement
        if not asked[1:]:
            return first.execute, [asked[0].product_id]
        if first is last:
            return first.for_each.execute, [[question.product_id for question in asked]]
        ids: list[list[int]] = [[] for _ in self._places]
        for question in asked:
            ids[self._place(question)].append(question.product_id)
        return self._all.execute, ids


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
        """Let the next one in, at once and before we go on, unless it came in beside us."""
        if self._last is place:
            self._last = None
            if self._queue:
                others.hand_over(self._queue.popleft())
