"""The way to PostgreSQL: pooled connections, prepared statements, a deadline on every wait."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import psycopg2

from products_service import waiting
from products_service.database.batches import Batches
from products_service.database.checkouts import BUSY, is_passed_over
from products_service.database.deadlines import DEADLINE, DeadlinePassedError, deadline_within
from products_service.database.errors import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    StatementError,
)
from products_service.database.libpq import Values
from products_service.database.observer import Observer
from products_service.database.pipelines import AskElsewhereError, Execution, Pipelines
from products_service.database.pool import Pool
from products_service.database.sessions import Sessions
from products_service.database.sqlstates import OUT_OF_RESOURCES, TIMED_OUT, may_succeed_elsewhere
from products_service.statements import Statement, all_prepared
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


class Database:
    """Runs the service's statements. One for a process, made after the fork, used by all threads.

    Times are in seconds. Nothing is connected before `warm_up` or the first fetch.
    """

    def __init__(
        self,
        url: str,
        statements: Mapping[str, Statement],
        *,
        pool_size: int,
        statement_timeout: float,
        connect_timeout: float,
        deadline: float,
        retry_pause: float,
        observer: Observer | None = None,
    ):
        self._observer = observer or Observer()
        # When it was asked, number and digest of the load: one value, so that no thread reads a
        # part of another's.
        self._seen: tuple[float, int, str] = (-math.inf, 0, "")
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._statements = statements
        sessions = Sessions(
            url,
            [
                "SET default_transaction_read_only = on",
                f"SET statement_timeout = {round(statement_timeout * 1000)}",
                # One plan for all values: a plan for each takes longer than any of ours runs, and
                # left to itself PostgreSQL makes one (docs/decisions/batches.md).
                "SET plan_cache_mode = force_generic_plan",
                # Where the server has LLVM, compiling a plan takes some hundred times as long as
                # running it, each time (docs/decisions/batches.md).
                "SET jit = off",
                *(statement.prepare for statement in all_prepared(statements.values())),
            ],
            connect_timeout=connect_timeout,
            deadline=deadline,
        )
        self._pool = Pool(sessions, pool_size, retry_pause=retry_pause, observer=self._observer)
        self._pipelines = Pipelines(self._pool, deadline)
        self._batches = Batches(
            self._ask,
            self._ask_together,
            self._pipelines.at_once,
            statements.values(),
        )

    def warm_up(self) -> None:
        """Open the pool's connections, as many as the time that connecting may take in all is for.

        Nothing is raised where the database cannot be reached: requests find that out.
        """
        self._pool.warm_up(self._connect_timeout)

    def fetch(self, statement: str, **parameters: Any) -> Row:
        """Return the row that the statement of that name answers with.

        Raises DatabaseBusyError when the pool is and stays empty; DatabaseUnreachableError and
        DatabaseTimeoutError within the deadline, once it has a connection; StatementError for what
        is not the database's state but a defect.
        """
        started = time.monotonic()
        try:
            row = self._fetch(self._statements[statement], parameters)
        except DatabaseError as error:
            self._observer.failed(statement, time.monotonic() - started, error)
            raise
        if started > self._seen[0]:
            self._seen = (started, row.load_number, row.load_digest)
        self._observer.answered(statement, time.monotonic() - started, row.load_number)
        return row

    def _fetch(self, statement: Statement, parameters: Mapping[str, Any]) -> Row:
        if is_passed_over():
            raise DatabaseBusyError(BUSY)
        values = tuple([parameters[name] for name, _ in statement.parameters])
        scheduler = waiting.scheduler()
        if scheduler is not None and statement.for_each is not None and self._has_time():
            return self._batches.fetch(scheduler, statement, *values)
        return self._ask(lambda: (statement, values))[0]

    def _has_time(self) -> bool:
        """Whether the request has nearly all of the time that it may take."""
        return DEADLINE.get() - time.monotonic() >= LEAST_LEFT * self._deadline

    def _ask(
        self,
        begin: Callable[[], Execution],
        latest: float | None = None,
        connection: Any = None,
    ) -> list[Row]:
        """Return the rows of what `begin` returns, called once there is a connection.

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
                self._pool.give_up(connection)
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

    def _ask_together(self, scheduler: Scheduler, begin: Callable[[], Execution]) -> list[Row]:
        """Return the rows of a batch, asked on a connection on which another may be under way.

        `begin` is called again where there is no answer for that reason.
        """
        try:
            return [_row(values) for values in self._pipelines.ask(scheduler, begin)]
        except AskElsewhereError as elsewhere:
            return self._ask(begin, elsewhere.latest, elsewhere.connection)
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
        self._pool.give_up(connection)
        return _execute(connection, statement, values)

    def in_one_deadline(self) -> AbstractContextManager[None]:
        """Have all fetches of a block take no longer than one may."""
        return deadline_within(self._deadline)

    def identity(self, max_age: float) -> tuple[int, str]:
        """Return number and digest of the load that is served, as of `max_age` seconds ago at most.

        Asks the database only when no statement has told it since. Raises as fetch does.
        """
        asked_at, number, digest = self._seen
        if time.monotonic() - asked_at > max_age:
            return self.fetch("check_ready")[:2]
        return number, digest

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

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()
