"""Who waits for a connection of the pool, and who is refused at once."""

import threading

import pytest

from products_service import turns, waiting
from products_service.database_events import DatabaseBusyError
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
    given = Turns(Pool().take, FullError)
    connection = given.take()
    threading.Timer(0.05, given.give_back, [connection]).start()
    assert given.take() is connection


def test_who_is_told_too_late_looks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 1)
    monkeypatch.setattr(turns, "LONGEST", HANG)
    pool = Pool()
    given = Turns(pool.take, FullError)
    given.take()
    # given back, and nobody is told
    threading.Timer(0.02, pool.close).start()
    assert given.take() is pool


def test_who_is_passed_over_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_wait", lambda fd, events, deadline: True)
    given = Turns(Pool().take, FullError)
    with pytest.raises(DatabaseBusyError):
        turns.pass_over(given.take)
    given.take()


def test_thread_that_others_share_is_never_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATIENCE", "LONGEST"):
        monkeypatch.setattr(turns, name, HANG)
    monkeypatch.setattr(waiting, "_wait", lambda fd, events, deadline: True)
    given = Turns(Pool().take, FullError)
    given.take()
    with pytest.raises(DatabaseBusyError):
        given.take()
