"""Sessions with PostgreSQL: on one of its servers, with a deadline on every wait."""

import math
import random
import select
import time
from collections.abc import Sequence
from functools import partial

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, parse_dsn, set_wait_callback

from products_service import waiting
from products_service.database.deadlines import (
    DEADLINE,
    DeadlinePassedError,
    NoTimeLeftError,
    deadline_within,
)
from products_service.database.libpq import Pipeline
from products_service.database.servers import Servers

# Where there are several servers: how long one may leave unacknowledged what it is sent again,
# which is 0.4 s after it was sent first (docs/decisions/standbys.md); and how long a session is
# kept, give or take a quarter, so that one that comes back gets its share.
_SILENCE = 0.1  # seconds
_LIFETIME = 60.0  # seconds

# What must be left before the deadline for an attempt to connect to be begun: by less a server is
# not to be judged.
LEAST = 0.05  # seconds

# After which an idle session shows whoever forwards packets that it is not forgotten.
_IDLE = 60  # seconds


def _wait(connection: "psycopg2.extensions.connection") -> None:
    """Wait for the server, but not past the request's deadline.

    A frozen server keeps its sockets alive and its own timeouts frozen, so only a limit on
    our side ends the wait. psycopg2 closes a connection whose wait was broken off. What this
    costs, and the watchdog thread it was measured against: docs/decisions/deadline.md.
    """
    while (state := connection.poll()) != POLL_OK:
        _wait_for(connection, select.POLLIN if state == POLL_READ else select.POLLOUT)


def _wait_for(connection: "psycopg2.extensions.connection", events: int) -> None:
    if not waiting.wait(connection.fileno(), events, DEADLINE.get()):
        raise DeadlinePassedError


class Session(psycopg2.extensions.connection):
    """A connection that knows which server it is to, and how long it is to last."""

    server = 0
    expires_at = math.inf  # by time.monotonic


def servers_of(url: str) -> list[dict[str, str]]:
    """Return what makes the URL that of each server which it names, if it prefers standbys.

    libpq would choose among them too, but has no limit on the time that one takes which is silent.
    """
    named = parse_dsn(url)
    lists = {name: named[name].split(",") for name in ("host", "hostaddr") if name in named}
    count = max(map(len, lists.values()), default=1)
    if count == 1 or named.get("target_session_attrs") != "prefer-standby":
        return [{}]
    if "port" in named:  # or it is libpq's matter, which may have it from PGPORT
        ports = named["port"].split(",")
        lists["port"] = ports * count if len(ports) == 1 else ports
    return [
        {**dict(zip(lists, values, strict=True)), "target_session_attrs": "any"}
        for values in zip(*lists.values(), strict=True)
    ]


class Sessions:
    """Opens sessions, each of which begins with the statements of `beginning`.

    Times are in seconds: `connect_timeout` for a session, whatever servers that takes; `deadline`
    is that of a request.
    """

    def __init__(
        self, url: str, beginning: Sequence[str], *, connect_timeout: float, deadline: float
    ) -> None:
        self._url = url
        self._each = servers_of(url)
        self._servers = Servers(len(self._each))
        # Each for itself: what PostgreSQL shows of one that is executed is what it came in. But
        # sent together: a request may wait, and a network would take its time for each.
        self._beginning = [text.encode() for text in beginning]
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        # For the whole process: every psycopg2 connection in it waits by this function.
        set_wait_callback(_wait)

    @property
    def are_with_several(self) -> bool:
        """Whether there is more than one server."""
        return len(self._each) > 1

    def open(self) -> Session:
        """Return a new session with the server whose turn it is.

        With another one where that fails, and with the primary only where there is no standby.
        Raises psycopg2.Error, DeadlinePassedError.
        """
        if DEADLINE.get() - time.monotonic() < LEAST:
            raise NoTimeLeftError
        with deadline_within(self._connect_timeout):
            standbys, last_resort = self._servers.in_turn()
            untried = [*standbys, *last_resort]
            while True:
                number = untried.pop(0)
                # The last one has what time is left, each before it half of that.
                left = DEADLINE.get() - time.monotonic()
                seconds = left / 2 if untried else left
                try:
                    with deadline_within(seconds):
                        session = self._open_on(number)
                # or it cannot prepare the statements: a standby that a migration has not reached
                except (psycopg2.Error, DeadlinePassedError) as error:
                    had_its_chance = isinstance(error, psycopg2.Error) or seconds >= LEAST
                    if had_its_chance:
                        self._servers.mark_failed(number)
                    if untried:
                        continue
                    if had_its_chance:
                        raise
                    raise NoTimeLeftError from None
                is_standby = session.get_parameter_status("in_hot_standby") == "on"
                if is_standby or number in last_resort or not self.are_with_several:
                    return session
                session.close()
                self._servers.mark_primary(number)
                return self.open()  # which knows of one primary more each time

    def _open_on(self, number: int) -> Session:
        """Return a new session with a server."""
        several = self.are_with_several
        session = psycopg2.connect(
            self._url,
            connection_factory=Session,
            application_name="products_service",
            client_encoding="UTF8",  # as bodies are sent, whatever PGCLIENTENCODING says
            tcp_user_timeout=round((_SILENCE if several else self._deadline) * 1000),
            keepalives_idle=_IDLE,
            **self._each[number],
        )
        session.server = number
        if several:
            lifetime = random.uniform(0.75, 1.25) * _LIFETIME  # noqa: S311
            session.expires_at = time.monotonic() + lifetime
        # Set here and never after checkout: a connection that DBUtils replaces keeps it.
        session.autocommit = True
        try:
            pipeline = Pipeline(session)
            pipeline.run(self._beginning, partial(_wait_for, session))
            pipeline.leave()
        except BaseException:
            session.close()  # the error's traceback would keep it open
            raise
        return session

    def discard(self, session: Session) -> None:
        """Close a session whose server failed: others are opened elsewhere for a while."""
        session.close()
        self._servers.mark_failed(session.server)
