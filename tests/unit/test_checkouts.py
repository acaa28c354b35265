"""Who waits for a connection of the pool, and who is refused at once."""

import math
import threading
import time

import pytest

from products_service.database import checkouts
from products_service.database.checkouts import Checkouts
from products_service.database.errors import DatabaseBusyError
from products_service.database.pooled_db import PoolEmptyError
from products_service.serving.hub import Hub
from tests.unit.hubs import run
from tests.waiting import HANG


class Pool:
    """Lends itself, once at a time."""

    lent = False

    def connection(self) -> "Pool":
        if self.lent:
            raise PoolEmptyError
        self.lent = True
        return self

    def close(self) -> None:
        self.lent = False


def test_thread_waits_while_connections_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATIENCE", "LONGEST"):
        monkeypatch.setattr(checkouts, name, HANG)
    given = Checkouts(Pool(), 1)
    connection = given.take()
    threading.Timer(0.05, given.give_back, [connection]).start()
    assert given.take() is connection


def test_who_is_told_too_late_looks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts, "PATIENCE", 1)
    monkeypatch.setattr(checkouts, "LONGEST", HANG)
    pool = Pool()
    given = Checkouts(pool, 1)
    given.take()
    # given back, and nobody is told
    threading.Timer(0.02, pool.close).start()
    assert given.take() is pool


def test_who_waits_longest_has_it_next(installed: Hub) -> None:
    given = Checkouts(Pool(), 1)
    had: list[str] = []

    def take(name: str, times: int) -> None:
        for _ in range(times):
            connection = given.take()
            had.append(name)
            installed.pause()
            given.give_back(connection)

    for name in ("first", "second", "third"):
        installed.spawn(take, name, 2)
    run(installed, lambda: len(had) == 6)
    assert had == ["first", "second", "third"] * 2


def test_nobody_waits_where_nothing_moves(installed: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts, "LONGEST_IN_ONE_THREAD", HANG)
    given = Checkouts(Pool(), 1)
    refused: list[float] = []

    def keep() -> None:
        given.take()
        installed.park("for ever", math.inf)

    def wait() -> None:
        with pytest.raises(DatabaseBusyError):
            given.take()
        refused.append(time.monotonic())

    began = time.monotonic()
    for function in (keep, wait, wait):
        installed.spawn(function)
    run(installed, lambda: len(refused) == 2)
    assert min(refused) >= began + checkouts.PATIENCE_IN_ONE_THREAD
    # who comes when it is known that nothing moves waits for what comes in that turn, no longer
    installed.spawn(wait)
    run(installed, lambda: len(refused) == 3)


def test_who_was_kept_from_running_is_not_refused_for_that(
    installed: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection comes back in the same turn, after who wants it has looked."""
    monkeypatch.setattr(checkouts, "PATIENCE_IN_ONE_THREAD", 0)
    given = Checkouts(Pool(), 1)
    had: list[str] = []

    def take(name: str) -> None:
        connection = given.take()
        had.append(name)
        installed.park(name, math.inf)
        given.give_back(connection)

    installed.spawn(take, "first")
    installed.turn(time.monotonic())
    installed.spawn(take, "second")
    installed.wake("first")
    run(installed, lambda: len(had) == 2)
    assert had == ["first", "second"]


def test_nobody_waits_for_ever_and_then_others_have_it(
    installed: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts, "PATIENCE_IN_ONE_THREAD", HANG)
    given = Checkouts(Pool(), 1)
    seen: list[str] = []

    def keep() -> None:
        connection = given.take()
        installed.park("keep", math.inf)
        given.give_back(connection)

    def wait(name: str, longest: float) -> None:
        monkeypatch.setattr(checkouts, "LONGEST_IN_ONE_THREAD", longest)
        try:
            given.give_back(given.take())
        except DatabaseBusyError:
            seen.append(f"{name} refused")
        else:
            seen.append(name)

    installed.spawn(keep)
    installed.spawn(wait, "hasty", 0.01)
    installed.spawn(wait, "patient", HANG)
    run(installed, lambda: seen)
    installed.wake("keep")
    run(installed, lambda: len(seen) == 2)
    assert seen == ["hasty refused", "patient"]


def test_a_place_is_not_lost_with_a_connection_that_cannot_be_had(installed: Hub) -> None:
    pool = Pool()
    pool.lent = True
    given = Checkouts(pool, 1)
    seen: list[object] = []

    def ask() -> None:
        try:
            seen.append(given.take())
        except PoolEmptyError as error:
            seen.append(error)
            pool.close()

    installed.spawn(ask)
    installed.spawn(ask)
    installed.turn(time.monotonic())
    assert [type(outcome) for outcome in seen] == [PoolEmptyError, Pool]
