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
    connection = given.take()
    threading.Timer(0.05, given.give_back, [connection]).start()
    assert given.take() is connection


def test_who_is_told_too_late_looks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 1)
    monkeypatch.setattr(turns, "LONGEST", HANG)
    pool = Pool()
    given = Turns(pool.take, FullError, 1)
    given.take()
    # given back, and nobody is told
    threading.Timer(0.02, pool.close).start()
    assert given.take() is pool


@pytest.fixture
def hub() -> Iterator[Hub]:
    """The way to wait of all that run in greenlets."""
    hub = Hub()
    waiting.install(hub)
    yield hub
    waiting.install(None)


def test_who_waits_longest_has_it_next(hub: Hub) -> None:
    given = Turns(Pool().take, FullError, 1)
    had: list[str] = []

    def take(name: str, times: int) -> None:
        for _ in range(times):
            connection = given.take()
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


def test_nobody_waits_where_nothing_moves(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST_AMONG_OTHERS", HANG)
    given = Turns(Pool().take, FullError, 1)
    refused: list[float] = []

    def keep() -> None:
        given.take()
        hub.park("for ever", math.inf)

    def wait() -> None:
        with pytest.raises(DatabaseBusyError):
            given.take()
        refused.append(time.monotonic())

    began = time.monotonic()
    for function in (keep, wait, wait):
        hub.spawn(function)
    while len(refused) < 2:
        assert time.monotonic() < began + HANG
        hub.turn(began + HANG)
    assert min(refused) >= began + turns.PATIENCE_AMONG_OTHERS
    # who comes when it is known that nothing moves is refused at once
    hub.spawn(wait)
    hub.turn(time.monotonic())
    assert len(refused) == 3


def test_nobody_waits_for_ever_and_then_others_have_it(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_AMONG_OTHERS", HANG)
    given = Turns(Pool().take, FullError, 1)
    seen: list[str] = []

    def keep() -> None:
        connection = given.take()
        hub.park("keep", math.inf)
        given.give_back(connection)

    def wait(name: str, longest: float) -> None:
        monkeypatch.setattr(turns, "LONGEST_AMONG_OTHERS", longest)
        try:
            given.give_back(given.take())
        except DatabaseBusyError:
            seen.append(f"{name} refused")
        else:
            seen.append(name)

    hub.spawn(keep)
    hub.spawn(wait, "hasty", 0.01)
    hub.spawn(wait, "patient", HANG)
    end = time.monotonic() + HANG
    while not seen:
        assert time.monotonic() < end
        hub.turn(end)
    hub.wake("keep")
    while len(seen) < 2:
        assert time.monotonic() < end
        hub.turn(end)
    assert seen == ["hasty refused", "patient"]


def test_a_place_is_not_lost_with_a_connection_that_cannot_be_had(hub: Hub) -> None:
    pool = Pool()
    pool.lent = True
    given = Turns(pool.take, FullError, 1)
    seen: list[object] = []

    def ask() -> None:
        try:
            seen.append(given.take())
        except FullError as error:
            seen.append(error)
            pool.close()

    hub.spawn(ask)
    hub.spawn(ask)
    hub.turn(time.monotonic())
    assert [type(outcome) for outcome in seen] == [FullError, Pool]
