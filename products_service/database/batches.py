"""Requests that wait at the same time for what PostgreSQL knows of a product, answered together.

To send a statement, start it and change to PostgreSQL and back takes longer than finding one more
product's rows (docs/decisions/batches.md). So a worker that serves all its connections in one
thread has two batches under way at a time, and whoever asks meanwhile comes with the next.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from products_service.database import pipelines
from products_service.database.errors import DatabaseError, DatabaseTimeoutError, StatementError
from products_service.database.executor import Executor, Row
from products_service.database.pipelines import Execution
from products_service.statements import Statement, all_for_each
from products_service.waiting import Scheduler

# So that one statement does not become many times as long as any is meant to be.
LARGEST = 32
# No batch is full below this, however few requests are present: two statements for so few take
# longer than one.
FULL_FROM = 4
# How long each asks alone after a batch that took too long. One of its products is to blame, or the
# database: on connections of their own the others suffer less from it.
APART = 10.0  # seconds


class Question:
    """One request's part of a batch.

    In the end it has an answer or a failure; or neither, and is to be asked alone.
    """

    __slots__ = ("answer", "failure", "product_id", "statement")

    def __init__(self, statement: Statement, product_id: int) -> None:
        self.statement = statement
        self.product_id = product_id
        self.answer: Row | None = None
        self.failure: Callable[[], DatabaseError] | None = None


class Batches:
    """Gathers requests of all statements that take a product's id, and has them executed."""

    def __init__(self, executor: Executor, statements: Iterable[Statement]) -> None:
        statements = [each for each in statements if each.for_each is not None]
        self._executor = executor
        self._all = all_for_each(statements)
        self._index = {each.name: number for number, each in enumerate(statements)}
        self._gathering: list[Question] | None = None
        self._present = 0  # who gathers, and who waits for an answer
        self._line = Line(executor.at_once)
        self._apart_until = -math.inf  # by time.monotonic

    def fetch(self, scheduler: Scheduler, statement: Statement, product_id: int) -> Row:
        """Return the statement's answer for a product. Raises DatabaseError.

        Where one of several has a defect, which shows at once, each is asked for alone. Where time
        ran out none is: no statement is run again that took long.
        """
        if time.monotonic() < self._apart_until:
            return self._ask_alone(statement, product_id)
        question = Question(statement, product_id)
        self._present += 1
        try:
            self._gather(scheduler, question)
        finally:
            self._present -= 1
        if question.failure is not None:
            raise question.failure()
        if question.answer is None:
            return self._ask_alone(statement, product_id)
        return question.answer

    def _ask_alone(self, statement: Statement, product_id: int) -> Row:
        return self._executor.run(lambda: (statement, [product_id]))[0]

    def _gather(self, scheduler: Scheduler, question: Question) -> None:
        """Ask together with those who wait; return when that is done.

        A batch takes half of those who are present: were it all of them, the worker would have
        nothing to do while PostgreSQL has, and the other way round.
        """
        batch = self._gathering
        if batch is None or len(batch) >= min(LARGEST, max(FULL_FROM, self._present // 2)):
            self._lead(scheduler, [question])
        else:
            batch.append(question)
            scheduler.park(question, math.inf)

    def _lead(self, scheduler: Scheduler, batch: list[Question]) -> None:
        """Ask for all who join until there is a connection, and let them go on."""
        asked: list[Question] = []  # as they are answered

        def begin() -> Execution:
            self._close(batch)
            asked[:] = sorted(batch, key=self._index_of)
            return self._execution(asked)

        self._gathering = batch
        place = None
        try:
            scheduler.go_last()  # when all who can go on now have asked
            place = self._line.enter(scheduler)
            answers = self._executor.run_batch(scheduler, begin)
            # found out before one of them has another's answer
            for question, answer in list(zip(asked, answers, strict=True)):
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
                scheduler.wake(question)
            # Before any of these makes its answer, the next batch is asked for, so that PostgreSQL
            # has something to do meanwhile.
            if place is not None:
                self._line.leave(scheduler, place)

    def _close(self, batch: list[Question]) -> None:
        """Have whoever asks from now on come with the next batch."""
        if self._gathering is batch:
            self._gathering = None

    def _index_of(self, question: Question) -> int:
        return self._index[question.statement.name]

    def _execution(self, asked: Sequence[Question]) -> Execution:
        """Return what asks for them, who are in the order of the statements."""
        first, last = asked[0].statement, asked[-1].statement
        if not asked[1:]:
            return first, [asked[0].product_id]
        if first is last:
            return first.for_each, [[question.product_id for question in asked]]
        ids: list[list[int]] = [[] for _ in self._index]
        for question in asked:
            ids[self._index_of(question)].append(question.product_id)
        return self._all, ids


class Place:
    """One in the line."""

    since = 0.0  # by time.monotonic, once it is let in


class Line:
    """Lets `at_once()` in at a time, beside those that are slow."""

    def __init__(self, at_once: Callable[[], int]) -> None:
        self._at_once = at_once
        self._in: list[Place] = []
        self._queue: deque[Place] = deque()

    def enter(self, scheduler: Scheduler) -> Place:
        """Wait until it is our turn; return what to leave with."""
        place = Place()
        if not self._queue and self._full_until() <= time.monotonic():
            self._admit(place)
            return place
        self._queue.append(place)
        while not scheduler.park(place, self._full_until()):
            if self._queue[0] is place and self._full_until() <= time.monotonic():
                self._admit(self._queue.popleft())
                break
        return place

    def leave(self, scheduler: Scheduler, place: Place) -> None:
        """Let the next ones in, the first of them at once and before we go on."""
        self._in.remove(place)
        admitted = []
        while self._queue and self._full_until() <= time.monotonic():
            admitted.append(self._queue.popleft())
            self._admit(admitted[-1])
        for later in admitted[1:]:
            scheduler.wake(later)
        if admitted:
            scheduler.hand_over(admitted[0])

    def _full_until(self) -> float:
        """Return until when there are as many as may be. The hub may see to it 10 ms later."""
        at_once = self._at_once()
        if len(self._in) < at_once:
            return -math.inf
        return self._in[-at_once].since + pipelines.SLOW

    def _admit(self, place: Place) -> None:
        place.since = time.monotonic()
        self._in.append(place)
