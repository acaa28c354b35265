"""DBUtils' PooledDB, and what it needs to serve us."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from dbutils.pooled_db import PooledDB
from dbutils.pooled_db import TooManyConnectionsError as PoolEmptyError

from products_service.database.deadlines import NoTimeLeftError
from products_service.database.errors import DatabaseUnreachableError

__all__ = ["CircuitBreaker", "PoolEmptyError", "PooledDB", "make_pool"]


class _UnopenedConnection:
    """Stands in the pool for a connection that was never opened.

    PooledDB opens connections while it holds its one lock, so that a database that does not
    answer would hold up every thread. A connection that is lost, on the other hand, is
    replaced by the thread that needs it, outside the lock. So the pool is filled with these,
    which look lost from the start.
    """

    closed = True
    expires_at = math.inf

    def cursor(self) -> None:
        """Fail like a lost connection."""
        raise psycopg2.InterfaceError("not opened yet")

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class _LastFirst(list):
    """The pool's idle connections, of which the one that was used last is used first.

    DBUtils takes the one that has been idle longest, which spreads what is asked over several
    servers. But the process at the other end of the last one is the one whose memory is still in
    the processor's caches (docs/decisions/batches.md).
    """

    def append(self, connection: Any) -> None:
        """Take one back; last of all to be used if it was lost and could not be replaced."""
        if connection.dbapi_connection.closed:
            self.insert(0, connection)
        else:
            super().append(connection)

    def pop(self, index: int = -1) -> Any:
        """Remove and return the last one, whichever is asked for."""
        return super().pop()


class CircuitBreaker:
    """Opens connections; after a failure refuses for a while, then lets one caller probe."""

    # What DBUtils asks of a creator.
    dbapi = psycopg2

    def __init__(self, open_connection: Callable[[], Any], retry_pause: float):
        self._open = open_connection
        self._retry_pause = retry_pause
        self._lock = threading.Lock()
        self._retry_at: float | None = None  # None: the last attempt succeeded
        # why the last attempt that had the time for it failed; not the error, whose traceback would
        # keep its socket open
        self.last_error: str | None = None
        # while PooledDB fills itself, which is given placeholders (_UnopenedConnection)
        self.filling = True

    def __call__(self) -> Any:
        """Return an open connection. Raises what opening raises, or DatabaseUnreachableError."""
        if self.filling:
            return _UnopenedConnection()
        with self._lock:
            before = self._retry_at
            if before is not None:
                if time.monotonic() < before:
                    raise DatabaseUnreachableError("a connection attempt failed a moment ago")
                # We probe; whoever comes while we do is refused.
                self._retry_at = math.inf
        try:
            connection = self._open()
        except NoTimeLeftError as error:
            with self._lock:
                if self._retry_at == math.inf:  # else whoever failed meanwhile is to be heeded
                    self._retry_at = before
            self.last_error = self.last_error or str(error)
            raise
        except BaseException as error:
            with self._lock:
                self._retry_at = time.monotonic() + self._retry_pause
            self.last_error = str(error).strip() or type(error).__name__
            raise
        with self._lock:
            self._retry_at = self.last_error = None
        return connection


def make_pool(breaker: CircuitBreaker, size: int, *, last_first: bool) -> PooledDB:
    """Return a pool of so many connections, none of which is open yet.

    `last_first` is which of the idle ones is used next: the one that was used last, or in turn.
    Raises PoolEmptyError when it is asked for one more.
    """
    pool = PooledDB(
        breaker,
        mincached=size,
        maxcached=size,
        maxconnections=size,
        maxshared=0,
        blocking=False,
        reset=False,
        ping=0,
        # It replaces a connection only if that was closed before anything was asked of it. By
        # default it takes a statement timeout for a lost connection, and runs the statement again.
        failures=psycopg2.InterfaceError,
    )
    breaker.filling = False
    if last_first:
        pool._idle_cache = _LastFirst(pool._idle_cache)
    return pool
