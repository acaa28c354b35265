"""Statements executed on connections of the pool: how long they may take, and what they raise."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg2

from products_service.database.deadlines import DEADLINE, DeadlinePassedError
from products_service.database.errors import (
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    StatementError,
)
from products_service.database.libpq import Values
from products_service.database.pipelines import AskElsewhereError, Execution, Pipelines
from products_service.database.pool import Pool
from products_service.database.sqlstates import OUT_OF_RESOURCES, TIMED_OUT, may_succeed_elsewhere
from products_service.statements import Statement
from products_service.waiting import Scheduler

# Share of its deadline that a request must still have to join a batch, which has all of it; and for
# which a server is to be silent before it is taken for one that hangs.
LEAST_LEFT = 0.9


class Row(NamedTuple):
    """What a statement returns: the load that answers, and the body or None.

    A page of a list also tells where the pages beside it are, by page number or by the id to
    ask after; None where there is none.
    """

    load_number: int
    load_digest: str
    body: str | None
    previous: int | None = None
    next: int | None = None


def _row(values: Values) -> Row:
    """Return the row of a statement that takes a product's id, which knows of no pages."""
    number, digest, body = values
    return Row(int(number), digest.decode(), None if body is None else body.decode())


def _execute(connection: Any, statement: Statement, values: Sequence[Any]) -> list[Row]:
    """Return the rows, of a new connection where the one from the pool is closed.

    DBUtils replaces it when it is asked for a cursor. Its cursors, which look out for lost
    connections too, are not used: they cost a request 12 us (docs/decisions/request-path.md).
    """
    session = connection.dbapi_connection
    if session.closed:
        connection.cursor().close()
        session = connection.dbapi_connection
    with session.cursor() as cursor:
        cursor.execute(statement.execute, values)
        return [Row(*row) for row in cursor.fetchall()]


class Executor:
    """Has the pool's connections execute statements, a batch behind another where both are fast.

    What `begin()` returns is executed; it is called once there is a connection. From then on there
    are `deadline` seconds, or what the request has left if that is less. Raises DatabaseBusyError,
    DatabaseUnreachableError, DatabaseTimeoutError and StatementError.
    """

    def __init__(self, pool: Pool, deadline: float) -> None:
        self._pool = pool
        self._deadline = deadline
        self._pipelines = Pipelines(pool, deadline)

    def at_once(self) -> int:
        """Return how many batches are to be under way, beside those that are slow."""
        return self._pipelines.at_once()

    def has_time(self) -> bool:
        """Whether the request has nearly all of the time that it may take."""
        return DEADLINE.get() - time.monotonic() >= LEAST_LEFT * self._deadline

    def run(
        self,
        begin: Callable[[], Execution],
        latest: float | None = None,
        connection: Any = None,
    ) -> list[Row]:
        """Return the rows.

        What others depend on too may take until `latest`, whatever this request has left. A
        `connection` has been taken already.
        """
        if connection is None:
            connection = self._pool.take()
        asked = connection.dbapi_connection
        now, outer = time.monotonic(), DEADLINE.get()
        own = now + self._deadline
        is_cut_short = latest is None and outer < own
        if latest is None:
            latest = min(outer, own)
        try:
            if latest <= now:
                raise self._too_late(is_cut_short)
            DEADLINE.set(latest)
            return self._execute_twice_if_lost(connection, *begin())
        except DeadlinePassedError:
            in_full = latest - now >= LEAST_LEFT * self._deadline
            if connection.dbapi_connection is asked and in_full:
                self._pool.discard(connection)
            else:
                # It had less than the whole deadline, or took the place of one that was lost: that
                # it has not answered says nothing of its server.
                connection.dbapi_connection.close()
            raise self._too_late(is_cut_short) from None
        except psycopg2.Error as error:
            raise self._translate(error) from error
        finally:
            DEADLINE.set(outer)
            self._pool.give_back(connection)

    def run_batch(self, scheduler: Scheduler, begin: Callable[[], Execution]) -> list[Row]:
        """Return the rows of a batch, on a connection on which another may be under way.

        `begin` is called again where there is no answer for that reason.
        """
        try:
            return [_row(values) for values in self._pipelines.ask(scheduler, begin)]
        except AskElsewhereError as elsewhere:
            return self.run(begin, elsewhere.latest, elsewhere.connection)
        except DeadlinePassedError:
            raise self._too_late() from None
        except psycopg2.Error as error:
            raise self._translate(error) from error

    def _execute_twice_if_lost(
        self, connection: Any, statement: Statement, values: Sequence[Any]
    ) -> list[Row]:
        """Return the rows, of a new connection where the one from the pool is or gets lost."""
        try:
            return _execute(connection, statement, values)
        except psycopg2.OperationalError as error:
            if not may_succeed_elsewhere(error):
                raise
        self._pool.discard(connection)
        return _execute(connection, statement, values)

    def _too_late(self, is_cut_short: bool = False) -> DatabaseError:
        within = "what time the request had left" if is_cut_short else f"{self._deadline} s"
        return DatabaseTimeoutError(f"no answer within {within}")

    def _translate(self, error: psycopg2.Error) -> DatabaseError:
        """Return our exception for one of psycopg2's."""
        code = error.pgcode
        if code == TIMED_OUT:
            return DatabaseTimeoutError(str(error).strip())
        is_full = code is not None and code.startswith(OUT_OF_RESOURCES)
        if may_succeed_elsewhere(error) or is_full:
            # DBUtils passes on what made it connect, and not why it could not.
            is_closed = isinstance(error, psycopg2.InterfaceError)
            failed = self._pool.last_error if is_closed else None
            return DatabaseUnreachableError(failed or str(error).strip())
        return StatementError(f"{code}: {error}")
