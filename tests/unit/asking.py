"""A worker for tests: many who ask a database at the same time, in greenlets."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import copy_context
from typing import Any

import psycopg2

from products_service.database import Database
from products_service.database.errors import DatabaseError
from products_service.database.observer import Observer
from products_service.serving.hub import Hub
from products_service.statements import Statement
from tests.waiting import HANG

ID = (("product_id", "integer"),)
STATEMENTS = {
    statement.name: statement
    for statement in [
        # which of them were asked for together, its backend and the moment tell
        Statement("tell", ID, "SELECT 7, 'digest', $1::text || ' ' || statement_timestamp()"),
        Statement("sleep", ID, "SELECT 7, 'digest', $1::text || pg_sleep($1 / 1000.0)::text"),
        # waits for as long as a test wants it to (Worker.locked)
        Statement(
            "lock", ID, "SELECT 7, 'digest', $1::text || pg_advisory_xact_lock_shared($1)::text"
        ),
        Statement("divide", ID, "SELECT 7, 'digest', (10 / $1)::text"),
        # This and the next wait so too, so that another can be sent behind them.
        Statement(
            "fail",
            ID,
            "SELECT 7, 'digest', pg_advisory_xact_lock_shared($1)::text || (1 / ($1 - $1))::text",
        ),
        Statement(
            "leave",
            ID,
            "SELECT 7, 'digest', pg_advisory_xact_lock_shared($1)::text || pg_sleep(0.2)::text "
            "|| pg_terminate_backend(pg_backend_pid())::text WHERE $1 > 0",
        ),
        Statement(
            "prepared",
            ID,
            "SELECT 7, 'digest', string_agg("
            "generic_plans + custom_plans || ' of ' || name, ', ' ORDER BY name) "
            "FROM pg_prepared_statements WHERE name LIKE 'prepared%%' AND $1 > 0",
        ),
        Statement("session", (), "SELECT 7, 'digest', pg_backend_pid()::text"),
        Statement("hold", (), "SELECT 7, 'digest', pg_sleep(0.05)::text"),
    ]
}


def later_by(seconds: float) -> Callable[[], float]:
    """Return what tells the time as if so much more had passed than has by now."""
    monotonic = time.monotonic
    return lambda: monotonic() + seconds


class Uses(Observer):
    """Counts how often a connection is taken, and how many are at a time."""

    now = most = total = 0

    def taken(self) -> None:
        self.total += 1
        self.now += 1
        self.most = max(self.most, self.now)

    def returned(self) -> None:
        self.now -= 1


class Worker:
    """Has many ask at the same time, in greenlets."""

    def __init__(self, url: str, database: Database, hub: Hub, uses: Uses) -> None:
        self._url = url
        self._database = database
        self._hub = hub
        self.uses = uses

    def ask(self, *requests: tuple[str, int] | tuple[str]) -> list[Any]:
        """Return the answer's body or the error of each (statement, product), in their order."""
        outcomes: list[list[Any]] = [[] for _ in requests]
        for outcome, request in zip(outcomes, requests, strict=True):
            self.start(outcome, request)
        self.turn(lambda: all(outcomes))
        return [outcome for (outcome,) in outcomes]

    def start(self, outcomes: list[Any], *requests: tuple[str, int] | tuple[str]) -> None:
        """Have them ask; their outcomes are added as they come."""

        def fetch(statement: str, *product: int) -> None:
            named = {"product_id": product[0]} if product else {}
            try:
                outcomes.append(self._database.fetch(statement, **named).body)
            except DatabaseError as error:
                outcomes.append(error)

        for request in requests:
            # as in a context of its own, with what is so where it is started
            self._hub.spawn(copy_context().run, fetch, *request)

    def under_way(self) -> int:
        """Return how many batches are sent and not answered yet, on the connection used last."""
        shared = self._database._executor._pipelines._last
        return len(shared.under_way) if shared else 0

    def turn_once(self) -> None:
        """Let all who can go on do so."""
        self._hub.turn(time.monotonic())

    def turn(self, done: Callable[[], bool]) -> None:
        """Let all go on until it is done."""
        end = time.monotonic() + HANG
        while not done():
            assert time.monotonic() < end, "waited too long"
            self._hub.turn(end)

    def end_sessions(self) -> None:
        """Have the server end every session of the database, and wait for that."""
        with closing(psycopg2.connect(self._url)) as session, session.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'products_service'"
            )

    @contextmanager
    def locked(self, *products: int) -> Iterator[Callable[[], None]]:
        """Have who asks to `lock` these products wait until the end of the block.

        Or until what is yielded is called, which waits for nothing.
        """
        with closing(psycopg2.connect(self._url)) as session:
            for product in products:
                session.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (product,))
            yield session.close

    @contextmanager
    def connection_kept(self) -> Iterator[None]:
        """Have somebody use one of the pool's connections during the block."""
        lent = self._database._pool._checkouts

        def keep() -> None:
            connection = lent.take()
            self._hub.park(self, math.inf)
            lent.give_back(connection)

        self._hub.spawn(keep)
        self._hub.turn(time.monotonic())
        yield
        self._hub.wake(self)
        self._hub.turn(time.monotonic())


Make = Callable[..., Worker]
