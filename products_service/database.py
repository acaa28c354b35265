"""The way to PostgreSQL: pooled connections, prepared statements, a deadline on every wait."""

import math
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import psycopg2
from dbutils.pooled_db import PooledDB, TooManyConnectionsError
from psycopg2.extensions import POLL_OK, POLL_READ, set_wait_callback

from products_service import waiting
from products_service.database_events import (
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    Observer,
    StatementError,
)
from products_service.statements import Statement
from products_service.turns import Turns

# SQLSTATEs after which a connection is lost; without a code, the socket is, which is how psycopg2
# reports most losses under a wait callback. The codes come from a pooler in between.
# 57P01 to 57P03, 57P05: shut down, crashed, starting up, idle too long; 25P03: idle in a
# transaction. https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOST = ("57P01", "57P02", "57P03", "57P05", "25P03")
_TIMED_OUT = "57014"
# Longest that a new worker is kept from serving by a database that does not answer.
_WARM_UP = 1.0  # seconds
_OUT_OF_RESOURCES = "53"


class Answer(NamedTuple):
    """What a statement returns: the load that answered, and the body or None.

    A page of a list also tells where the pages beside it are, by page number or by the id to
    ask after; None where there is none.
    """

    load_number: int
    load_digest: str
    body: str | None
    previous: int | None = None
    next: int | None = None


class _DeadlinePassedError(Exception):
    """Waiting for PostgreSQL took longer than it may."""


# Of all that a request waits for, by time.monotonic; a request is a thread or a greenlet, and each
# has a context of its own.
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def _wait(connection: "psycopg2.extensions.connection") -> None:
    """Wait for the server, but not past the request's deadline.

    A frozen server keeps its sockets alive and its own timeouts frozen, so only a limit on
    our side ends the wait. psycopg2 closes a connection whose wait was broken off. What this
    costs, and the watchdog thread it was measured against: docs/decisions/deadline.md.
    """
    while (state := connection.poll()) != POLL_OK:
        events = select.POLLIN if state == POLL_READ else select.POLLOUT
        if not waiting.wait(connection.fileno(), events, _deadline.get()):
            raise _DeadlinePassedError("PostgreSQL did not answer in time")


@contextmanager
def _deadline_within(seconds: float) -> Iterator[None]:
    """End every wait of this request after so many seconds, or at the deadline set before."""
    outer = _deadline.get()
    _deadline.set(min(time.monotonic() + seconds, outer))
    try:
        yield
    finally:
        _deadline.set(outer)


def _is_lost(error: psycopg2.Error) -> bool:
    code = error.pgcode
    return code is None or code.startswith("08") or code in _LOST


def _is_closed(error: Exception) -> bool:
    """Whether a connection was closed before anything was asked of it.

    Only then may DBUtils replace it. Left to itself, it would take a statement timeout for a
    lost connection and run the statement three times; told which errors mean a lost one, it
    would still run a statement twice that times out on the connection that replaces it.
    """
    return isinstance(error, psycopg2.InterfaceError)


class _UnopenedConnection:
    """Stands in the pool for a connection that was never opened.

    PooledDB opens connections while it holds its one lock, so that a database that does not
    answer would hold up every thread. A connection that is lost, on the other hand, is
    replaced by the thread that needs it, outside the lock. So the pool is filled with these,
    which look lost from the start.
    """

    closed = True

    def cursor(self) -> None:
        """Fail like a lost connection."""
        raise psycopg2.InterfaceError("not opened yet")

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class _Connector:
    """Opens connections; after a failure refuses for a while, then lets one caller probe."""

    # What DBUtils asks of a creator.
    dbapi = psycopg2
    threadsafety = psycopg2.threadsafety

    def __init__(self, open_connection: Callable[[], Any], retry_pause: float):
        self._open = open_connection
        self._retry_pause = retry_pause
        self._lock = threading.Lock()
        self._retry_at: float | None = None  # None: the last attempt succeeded
        self.last_error: BaseException | None = None
        self.filling = True  # the pool: it is given what _UnopenedConnection tells of

    def __call__(self) -> Any:
        """Return an open connection. Raises what opening raises, or DatabaseUnreachableError."""
        if self.filling:
            return _UnopenedConnection()
        with self._lock:
            if self._retry_at is not None:
                if time.monotonic() < self._retry_at:
                    raise DatabaseUnreachableError("a connection attempt failed a moment ago")
                # We probe; whoever comes while we do is refused.
                self._retry_at = math.inf
        try:
            connection = self._open()
        except BaseException as error:
            with self._lock:
                self._retry_at = time.monotonic() + self._retry_pause
            self.last_error = error
            raise
        self._retry_at = self.last_error = None
        return connection


def _execute(connection: Any, execute: str, values: tuple[Any, ...]) -> Answer:
    """Return the answer, of a new connection where the one from the pool is closed.

    DBUtils replaces it when it is asked for a cursor. Its cursors, which look out for lost
    connections too, are not used: they cost a request 12 us (docs/decisions/request-path.md).
    """
    opened = connection.dbapi_connection
    if opened.closed:
        connection.cursor().close()
        opened = connection.dbapi_connection
    with opened.cursor() as cursor:
        cursor.execute(execute, values)
        return Answer(*cursor.fetchone())


def _execute_twice_if_lost(connection: Any, execute: str, values: tuple[Any, ...]) -> Answer:
    """Return the answer, of a new connection where the one from the pool turns out to be lost."""
    try:
        return _execute(connection, execute, values)
    except psycopg2.OperationalError as error:
        if not _is_lost(error):
            raise
    # psycopg2 has closed the lost one.
    return _execute(connection, execute, values)


class Database:
    """Runs the service's statements. One for a process, made after the fork, used by all threads.

    Times are in seconds. Nothing is connected before the first fetch.
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
        # When it was asked, in one piece with what was answered: threads set and read it.
        self._seen: tuple[float, int, str] = (-math.inf, 0, "")
        self._url = url
        self._pool_size = pool_size
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._statements = statements
        self._session = ";\n".join(
            [
                "SET default_transaction_read_only = on",
                f"SET statement_timeout = {round(statement_timeout * 1000)}",
                *(statement.prepare for statement in statements.values()),
            ]
        )
        # For the whole process: every psycopg2 connection in it waits by this function.
        set_wait_callback(_wait)
        self._connector = _Connector(self._open, retry_pause)
        self._pool = PooledDB(
            self._connector,
            mincached=pool_size,
            maxcached=pool_size,
            maxconnections=pool_size,
            maxshared=0,
            blocking=False,
            reset=False,
            ping=0,
            failures=(psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.InternalError),
            isfatal=_is_closed,
        )
        self._connector.filling = False
        self._turns = Turns(self._pool.connection, TooManyConnectionsError)

    def _open(self) -> "psycopg2.extensions.connection":
        """Return a new connection with every statement prepared, in two round trips."""
        with _deadline_within(self._connect_timeout):
            connection = psycopg2.connect(
                self._url,
                application_name="products_service",
                tcp_user_timeout=round(self._deadline * 1000),
            )
            # Set here and never after checkout: a connection that DBUtils replaces keeps it.
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(self._session)
        return connection

    def warm_up(self) -> None:
        """Open the pool's connections, within the time that connecting may take in all.

        So that the first requests of a new worker are not refused for the want of one. Where the
        database cannot be reached, requests find that out.
        """
        connections = [self._turns.take() for _ in range(self._pool_size)]
        try:
            with _deadline_within(min(self._connect_timeout, _WARM_UP)):
                for connection in connections:
                    connection.cursor().close()
        except (psycopg2.Error, DatabaseError, _DeadlinePassedError):
            return
        finally:
            for connection in connections:
                self._turns.give_back(connection)

    def fetch(self, statement: str, **parameters: Any) -> Answer:
        """Return what the statement of that name answers.

        Raises DatabaseBusyError when the pool is and stays empty, DatabaseUnreachableError,
        DatabaseTimeoutError, all within the deadline; StatementError for what is not the
        database's state but a defect.
        """
        started = time.monotonic()
        try:
            answer = self._fetch(self._statements[statement], parameters)
        except DatabaseError as error:
            self._observer.failed(statement, time.monotonic() - started, error)
            raise
        self._seen = (started, answer.load_number, answer.load_digest)
        self._observer.answered(statement, time.monotonic() - started, answer.load_number)
        return answer

    def _fetch(self, statement: Statement, parameters: Mapping[str, Any]) -> Answer:
        values = tuple([parameters[name] for name, _ in statement.parameters])
        connection = self._turns.take()
        self._observer.taken()
        _deadline.set(time.monotonic() + self._deadline)
        try:
            return _execute_twice_if_lost(connection, statement.execute, values)
        except _DeadlinePassedError:
            raise DatabaseTimeoutError(f"no answer within {self._deadline} s") from None
        except psycopg2.Error as error:
            raise self._translate(error) from error
        finally:
            _deadline.set(math.inf)
            self._turns.give_back(connection)
            self._observer.returned()

    def identity(self, max_age: float) -> tuple[int, str]:
        """Return number and digest of the load that is served, as of `max_age` seconds ago at most.

        Asks the database only when no statement has told it since. Raises as fetch does.
        """
        asked_at, number, digest = self._seen
        if time.monotonic() - asked_at > max_age:
            return self.fetch("check_ready")[:2]
        return number, digest

    def _translate(self, error: psycopg2.Error) -> DatabaseError:
        """Return our exception for one of psycopg2's."""
        code = error.pgcode
        if code == _TIMED_OUT:
            return DatabaseTimeoutError(str(error).strip())
        if _is_lost(error) or code.startswith(_OUT_OF_RESOURCES):
            cause = self._connector.last_error
            return DatabaseUnreachableError(f"{error} ({cause})" if cause else str(error))
        return StatementError(f"{code}: {error}")

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()
