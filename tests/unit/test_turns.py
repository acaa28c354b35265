"""Who waits for a connection of the pool, and who is refused at once."""

import math
import threading
import time
from collections.abc import Iterator

import pytest

from products_service import turns, waiting
from products_service.database_events import DatabaseBusyError
from products_service.serving.hub import Hub
from products_service.turns import Turns

HANG = 60


class FullError(Exception):
    """Nothing is left."""


class Pool:
    """Lends itself, once at a time."""

    lent = False

    def take(self) -> "Pool":
        if self.lent:
            raise FullError
        self.lent = True
        return self

    def close(self) -> None:
        self.lent = False


def test_thread_waits_while_connections_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATIENCE", "LONGEST"):
        monkeypatch.setattr(turns, name, HANG)
    given = Turns(Pool().take, FullError, 1)
    connection = given.take(math.inf)
    threading.Timer(0.05, given.give_back, [connection]).start()
    assert given.take(math.inf) is connection


def test_who_is_told_too_late_looks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 1)
    monkeypatch.setattr(turns, "LONGEST", HANG)
    pool = Pool()
    given = Turns(pool.take, FullError, 1)
    given.take(math.inf)
    # given back, and nobody is told
    threading.Timer(0.02, pool.close).start()
    assert given.take(math.inf) is pool


def test_thread_waits_until_its_deadline_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATIENCE", "LONGEST"):
        monkeypatch.setattr(turns, name, HANG)
    given = Turns(Pool().take, FullError, 1)
    given.take(math.inf)
    with pytest.raises(DatabaseBusyError):
        given.take(time.monotonic() + 0.01)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """The way to wait of all that run in greenlets."""
    hub = Hub()
    waiting.install(hub)
    yield hub
    waiting.install(None)


def test_who_is_passed_over_gets_none(hub: Hub) -> None:
    given = Turns(Pool().take, FullError, 1)
    refused = []

    def ask() -> None:
        with pytest.raises(DatabaseBusyError) as error:
            turns.pass_over(given.take, math.inf)
        refused.append(error)
        given.take(math.inf)

    hub.spawn(ask)
    hub.turn(time.monotonic())
    assert len(refused) == 1


def test_who_waits_longest_has_it_next(hub: Hub) -> None:
    given = Turns(Pool().take, FullError, 1)
    had: list[str] = []

    def take(name: str, times: int) -> None:
        for _ in range(times):
            connection = given.take(math.inf)
            had.append(name)
            hub.pause()
            given.give_back(connection)

    for name in ("first", "second", "third"):
        hub.spawn(take, name, 2)
    end = time.monotonic() + HANG
    while len(had) < 6:
        assert time.monotonic() < end
        hub.turn(end)
    assert had == ["first", "second", "third"] * 2


def test_nobody_waits_where_nothing_moves(hub: Hub) -> None:
    given = Turns(Pool().take, FullError, 1)
    refused: list[float] = []

    def keep() -> None:
        given.take(math.inf)
        hub.park("for ever", math.inf)

    def wait() -> None:
        began = time.monotonic()
        with pytest.raises(DatabaseBusyError):
            given.take(math.inf)
        refused.append(time.monotonic() - began)

    def refusals(count: int) -> list[float]:
        for _ in range(count):
            hub.spawn(wait)
        end = time.monotonic() + HANG
        while len(refused) < count:
            assert time.monotonic() < end
            hub.turn(end)
        found = refused[:]
        refused.clear()
        return found

    hub.spawn(keep)
    patience = turns.PATIENCE_AMONG_OTHERS
    assert min(refusals(2)) > patience * 0.9
    # who comes when it is known that nothing moves is refused at once
    assert refusals(1)[0] < patience / 2


def test_nobody_waits_beyond_a_deadline_and_then_others_have_it(hub: Hub) -> None:
    given = Turns(Pool().take, FullError, 1)
    seen: list[str] = []

    def keep() -> None:
        connection = given.take(math.inf)
        hub.park("keep", math.inf)
        given.give_back(connection)

    def wait(name: str, seconds: float) -> None:
        try:
            given.give_back(given.take(time.monotonic() + seconds))
        except DatabaseBusyError:
            seen.append(f"{name} refused")
        else:
            seen.append(name)

    hub.spawn(keep)
    hub.spawn(wait, "hasty", 0.01)
    hub.spawn(wait, "patient", HANG)
    end = time.monotonic() + HANG
    while not seen:
        hub.turn(end)
    hub.wake("keep")
    while len(seen) < 2:
        assert time.monotonic() < end
        hub.turn(end)
    assert seen == ["hasty refused", "patient"]
