"""The pool: who has which of its sessions, and what becomes of those that were lost."""

import time
from typing import Any

import psycopg2

from products_service.database.checkouts import Checkouts
from products_service.database.deadlines import DEADLINE, deadline_within
from products_service.database.observer import Observer
from products_service.database.pooled_db import CircuitBreaker, make_pool
from products_service.database.sessions import Session, Sessions

# Longest that a new worker is kept from serving by a database that does not answer.
WARM_UP = 1.0  # seconds


class Pool:
    """Lends DBUtils' connections, `size` at a time.

    The session of one is its `dbapi_connection`. Where that is closed, or was never opened, it gets
    a new one when it is asked for a cursor. Nothing is connected before.
    """

    def __init__(
        self, sessions: Sessions, size: int, *, retry_pause: float, observer: Observer
    ) -> None:
        self._sessions = sessions
        self._size = size
        self._observer = observer
        self._breaker = CircuitBreaker(sessions.open, retry_pause)
        # Several servers are to be used by turns.
        self._pool = make_pool(self._breaker, size, last_first=not sessions.are_with_several)
        self._checkouts = Checkouts(self._pool, size)

    def take(self) -> Any:
        """Return a connection. Raises DatabaseBusyError."""
        connection = self._checkouts.take()
        self._observer.taken()
        return connection

    def give_back(self, connection: Any) -> None:
        """Let others have it; its session ends here if it has lasted long enough."""
        session = connection.dbapi_connection
        if session.expires_at < time.monotonic():
            session.close()
        self._checkouts.give_back(connection)
        self._observer.returned()

    def discard(self, connection: Any) -> None:
        """End the session, whose server failed: it is replaced by one with another server."""
        if isinstance(connection.dbapi_connection, Session):
            self._sessions.discard(connection.dbapi_connection)

    def are_wanted(self) -> bool:
        """Whether somebody who shares the thread waits for a connection."""
        return self._checkouts.are_wanted()

    @property
    def last_error(self) -> str | None:
        """Why no session could be had when there was time to try it last; None if one could."""
        return self._breaker.last_error

    def warm_up(self, seconds: float) -> None:
        """Open sessions one by one, as many as there is time for; that is a second at most.

        So that the first requests of a new worker are not refused for the want of one. Where the
        database cannot be reached, requests find that out.
        """
        connections = [self._checkouts.take() for _ in range(self._size)]
        try:
            with deadline_within(min(seconds, WARM_UP)):
                for connection in connections:
                    started = time.monotonic()
                    connection.cursor().close()
                    took = time.monotonic() - started
                    # one that is cut off would be taken for the server's failure
                    if DEADLINE.get() - time.monotonic() < 2 * took:
                        return
        except psycopg2.Error:
            return
        finally:
            for connection in connections:
                self._checkouts.give_back(connection)

    def close(self) -> None:
        """End the sessions that are not lent."""
        self._pool.close()
