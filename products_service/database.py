"""The way to PostgreSQL: pooled connections, prepared statements, a deadline on every wait."""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg2
from dbutils.pooled_db import PooledDB, TooManyConnectionsError

from products_service import waiting
from products_service.batches import Batches, Execution
from products_service.database_events import (
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    Observer,
    StatementError,
)
from products_service.sessions import (
    DEADLINE,
    DeadlinePassedError,
    Session,
    Sessions,
    deadline_within,
)
from products_service.statements import Statement, all_prepared
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
# On a standby: the statement was in the way of changes that could wait no longer.
_IN_THE_WAY = "40001"


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


class _LastFirst(list):
    """The pool's idle connections, of which the one that was used last is used first.

    DBUtils takes the one that has been idle longest. The process at the other end of the last one
    is the one whose memory is still in the processor's caches (docs/decisions/batches.md).
    """

    def pop(self, index: int = -1) -> Any:
        """Remove and return the last one, whichever is asked for."""
        return super().pop()


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


def _execute(connection: Any, execute: str, values: Sequence[Any]) -> list[Answer]:
    """Return the rows' answers, of a new connection where the one from the pool is closed.

    DBUtils replaces it when it is asked for a cursor. Its cursors, which look out for lost
    connections too, are not used: they cost a request 12 us (docs/decisions/request-path.md).
    """
    session = connection.dbapi_connection
    if session.closed:
        connection.cursor().close()
        session = connection.dbapi_connection
    with session.cursor() as cursor:
        cursor.execute(execute, values)
        answers = [Answer(*row) for row in cursor.fetchall()]
    if session.expires_at < time.monotonic():
        session.close()
    return answers


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
        self._pool_size = pool_size
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._statements = statements
        self._sessions = Sessions(
            url,
            [
                "SET default_transaction_read_only = on",
                f"SET statement_timeout = {round(statement_timeout * 1000)}",
                # One plan for all values: a plan for each takes longer than any of ours runs, and
                # left to itself PostgreSQL makes one (docs/decisions/batches.md).
                "SET plan_cache_mode = force_generic_plan",
                *(statement.prepare for statement in all_prepared(statements.values())),
            ],
            connect_timeout=connect_timeout,
            deadline=deadline,
        )
        self._connector = _Connector(self._sessions.open, retry_pause)
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
        self._pool._idle_cache = _LastFirst(self._pool._idle_cache)
        self._turns = Turns(self._pool.connection, TooManyConnectionsError, pool_size)
        self._batches = Batches(self._ask)

    def warm_up(self) -> None:
        """Open the pool's connections, within the time that connecting may take in all.

        So that the first requests of a new worker are not refused for the want of one. Where the
        database cannot be reached, requests find that out.
        """
        connections = [self._turns.take(math.inf) for _ in range(self._pool_size)]
        try:
            with deadline_within(min(self._connect_timeout, _WARM_UP)):
                for connection in connections:
                    connection.cursor().close()
        except (psycopg2.Error, DatabaseError, DeadlinePassedError):
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
        DEADLINE.set(time.monotonic() + self._deadline)
        try:
            others = waiting.others()
            if others is not None and statement.for_each is not None:
                return self._batches.fetch(others, statement, *values)
            return self._ask(lambda: (statement.execute, values))[0]
        finally:
            DEADLINE.set(math.inf)

    def _ask(self, begin: Callable[[], Execution]) -> list[Answer]:
        """Return the rows' answers of what `begin` returns once there is a connection."""
        connection = self._turns.take(DEADLINE.get())
        self._observer.taken()
        try:
            return self._execute_twice_if_lost(connection, *begin())
        except DeadlinePassedError:
            self._give_up(connection)
            raise DatabaseTimeoutError(f"no answer within {self._deadline} s") from None
        except psycopg2.Error as error:
            raise self._translate(error) from error
        finally:
            self._turns.give_back(connection)
            self._observer.returned()

    def _execute_twice_if_lost(
        self, connection: Any, execute: str, values: Sequence[Any]
    ) -> list[Answer]:
        """Return the answers, of a new connection where the one from the pool is or gets lost.

        So it is too where a standby puts its changes before the statement: its lag is what makes
        it do so, and it would again.
        """
        try:
            return _execute(connection, execute, values)
        except psycopg2.OperationalError as error:
            if not _is_lost(error) and error.pgcode != _IN_THE_WAY:
                raise
        self._give_up(connection)
        return _execute(connection, execute, values)

    def _give_up(self, connection: Any) -> None:
        """Close a connection: asked for a cursor it is replaced, by one to another server."""
        if isinstance(connection.dbapi_connection, Session):
            self._sessions.give_up(connection.dbapi_connection)

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
