"""Batches sent to PostgreSQL behind one another, so that it need not wait for the next one."""

import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from products_service.database.deadlines import DeadlinePassedError
from products_service.database.libpq import Pipeline, PipelineError, Values
from products_service.database.pool import Pool
from products_service.database.sqlstates import may_succeed_elsewhere
from products_service.statements import Statement
from products_service.waiting import Scheduler

AT_ONCE = 2
# Many times what a batch takes: none is sent behind one that takes longer, and the next one goes
# beside it.
SLOW = 0.01  # seconds
# After which one that was sent behind another is asked for elsewhere instead.
PATIENCE = 0.05  # seconds
# After which nothing more is sent on a connection, so that each of several servers has its share.
LONGEST = 0.1  # seconds

# What to execute, and with which values.
Execution = tuple[Statement, Sequence[Any]]


class AskElsewhereError(Exception):
    """There is no answer, for a reason that is not the batch's: ask for it elsewhere.

    By `latest` (time.monotonic). `connection` is one that the pool has lent us, whose session is
    closed: ask on it, which opens another, and give it back. None: take one.
    """

    def __init__(self, latest: float, connection: Any = None) -> None:
        super().__init__("to be asked for elsewhere")
        self.latest = latest
        self.connection = connection


class Sent:
    """A batch on a connection: since when PostgreSQL is at it, and until when it may take.

    Times are by time.monotonic.
    """

    __slots__ = ("begun_at", "latest", "patient_until")

    def __init__(self, seconds: float) -> None:
        self.begun_at = time.monotonic()
        self.patient_until = self.begun_at + PATIENCE
        self.latest = self.begun_at + seconds

    def is_slow(self) -> bool:
        """Whether it has taken long already."""
        return self.begun_at + SLOW <= time.monotonic()


class Shared:
    """A connection of the pool's in use by batches `under_way`, of which the first reads."""

    def __init__(self, connection: Any, scheduler: Scheduler) -> None:
        self.connection = connection
        self.pipeline = Pipeline(connection.dbapi_connection)
        self.under_way: deque[Sent] = deque()
        self.is_usable = True  # all that was sent is read, or will be
        self._scheduler = scheduler
        self._fd = connection.dbapi_connection.fileno()
        self._until = time.monotonic() + LONGEST

    def has_room(self) -> bool:
        """Whether another batch may be sent."""
        return (
            len(self.under_way) < AT_ONCE
            and self.is_usable
            and not self.under_way[0].is_slow()
            and time.monotonic() < self._until
        )

    def hurry(self) -> None:
        """Have who waits for the socket look at once: libpq has closed it, and nothing comes."""
        self._scheduler.wake(self._fd)

    def comes_first(self, sent: Sent) -> bool:
        """Wait until it is the one to be read; return False if it will not be in time."""
        if self.under_way[0] is not sent:
            self._scheduler.park(sent, sent.patient_until)
        return self.is_usable and self.under_way[0] is sent

    def leave(self, sent: Sent) -> None:
        """Let who is behind it go on."""
        was_first = self.under_way[0] is sent
        self.under_way.remove(sent)
        if was_first and self.under_way:
            first = self.under_way[0]
            first.begun_at = time.monotonic()
            self._scheduler.wake(first)

    def receive(self, sent: Sent) -> list[Values]:
        """Return the rows of the first. Raises PipelineError, DeadlinePassedError."""

        def wait() -> None:
            if not self._scheduler.wait(self._fd, select.POLLIN, sent.latest):
                raise DeadlinePassedError

        return self.pipeline.receive(wait)


class Pipelines:
    """Has two batches at a time on one of the pool's connections, as long as they are fast.

    A batch has `seconds` from when it is sent.
    """

    def __init__(self, pool: Pool, seconds: float) -> None:
        self._pool = pool
        self._seconds = seconds
        self._last: Shared | None = None
        self._are_fast = True

    def at_once(self) -> int:
        """Return how many batches are to be under way, beside those that are slow."""
        return AT_ONCE if self._are_fast else 1

    def ask(self, scheduler: Scheduler, begin: Callable[[], Execution]) -> list[Values]:
        """Return the rows of what `begin` returns, called once there is a connection.

        Raises AskElsewhereError, PipelineError, DeadlinePassedError, DatabaseBusyError.
        """
        shared = self._last
        may_share = self._are_fast and not self._pool.are_wanted()
        if shared is None or not (may_share and shared.has_room()):
            shared = self._last = self._share(scheduler)
        sent = Sent(self._seconds)
        shared.under_way.append(sent)
        try:
            shared.pipeline.send(*_as_text(*begin()))
            if not shared.comes_first(sent):
                raise AskElsewhereError(sent.latest)
            return shared.receive(sent)
        except PipelineError as error:
            if not may_succeed_elsewhere(error):
                raise
            raise AskElsewhereError(sent.latest, self._lose(shared, sent)) from error
        except DeadlinePassedError:
            self._pool.give_back(self._lose(shared, sent))
            raise
        except BaseException:
            shared.is_usable = False
            raise
        finally:
            self._are_fast = not sent.is_slow()
            shared.leave(sent)
            if not shared.under_way:
                self._end(shared)

    def _share(self, scheduler: Scheduler) -> Shared:
        connection = self._pool.take()
        if not connection.dbapi_connection.closed:
            try:
                return Shared(connection, scheduler)
            except PipelineError:
                self._pool.discard(connection)
        raise AskElsewhereError(time.monotonic() + self._seconds, connection)

    def _lose(self, shared: Shared, sent: Sent) -> Any:
        """Close the connection and return it; None if another batch waits on its socket still.

        That one finds the connection lost, and closes it then.
        """
        shared.is_usable = False
        if shared.under_way[0] is not sent:
            shared.hurry()
            return None
        connection, shared.connection = shared.connection, None
        self._pool.discard(connection)
        return connection

    def _end(self, shared: Shared) -> None:
        if self._last is shared:
            self._last = None
        connection = shared.connection
        if connection is None:
            return
        if shared.is_usable:
            try:
                shared.pipeline.leave()
            except PipelineError:
                self._pool.discard(connection)
        else:
            connection.dbapi_connection.close()
        self._pool.give_back(connection)


def _as_text(statement: Statement, values: Sequence[Any]) -> tuple[bytes, list[bytes]]:
    """Return the name, and each id or list of ids as PostgreSQL reads it."""
    return statement.name.encode(), [
        b"{%s}" % ",".join(map(str, value)).encode()
        if isinstance(value, list)
        else str(value).encode()
        for value in values
    ]
