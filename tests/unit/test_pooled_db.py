"""Who opens the pool's connections: not again at once after a failure, and one at a time then."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from products_service.database.deadlines import NoTimeLeftError
from products_service.database.errors import DatabaseUnreachableError
from products_service.database.pooled_db import Connector
from tests.waiting import HANG, wait_for


class Opening:
    """Stands for psycopg2's connect: fails while `error` is set, and counts."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.count = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def __call__(self) -> object:
        self.count += 1
        self.entered.set()
        assert self.gate.wait(HANG)
        if self.error:
            raise self.error
        return self


def make_connector(opening: Callable[[], object], retry_pause: float) -> Connector:
    connector = Connector(opening, retry_pause)
    connector.filling = False
    return connector


def test_connector_refuses_for_a_while_after_a_failure() -> None:
    opening = Opening()
    connector = make_connector(opening, retry_pause=HANG)
    opening.error = psycopg2.OperationalError("no route")
    with pytest.raises(psycopg2.OperationalError):
        connector()
    opening.error = None
    for _ in range(3):
        with pytest.raises(DatabaseUnreachableError):
            connector()
    assert opening.count == 1
    assert connector.last_error == "no route"


def test_connector_learns_nothing_from_who_has_no_time_left() -> None:
    opening = Opening()
    connector = make_connector(opening, retry_pause=HANG)
    opening.error = NoTimeLeftError()
    with pytest.raises(NoTimeLeftError):
        connector()
    opening.error = None
    assert connector() is opening


def test_who_has_no_time_left_ends_no_pause_of_another_s() -> None:
    count = 0

    def open_connection() -> object:
        nonlocal count
        count += 1
        if count > 1:
            raise psycopg2.OperationalError("no route")
        # while this one is at it, another one fails
        with pytest.raises(psycopg2.OperationalError):
            connector()
        raise NoTimeLeftError

    connector = make_connector(open_connection, retry_pause=HANG)
    with pytest.raises(NoTimeLeftError):
        connector()
    with pytest.raises(DatabaseUnreachableError):
        connector()
    assert connector.last_error == "no route"


def test_connector_lets_one_caller_probe_however_long_that_takes() -> None:
    opening = Opening()
    connector = make_connector(opening, retry_pause=0)
    opening.error = psycopg2.OperationalError("no route")
    with pytest.raises(psycopg2.OperationalError):
        connector()
    opening.error = None
    opening.gate.clear()
    opening.entered.clear()
    with ThreadPoolExecutor(1) as thread:
        probe = thread.submit(connector)
        try:
            assert opening.entered.wait(HANG)
            for _ in range(3):
                with pytest.raises(DatabaseUnreachableError):
                    connector()
        finally:
            opening.gate.set()
        assert probe.result(timeout=HANG) is opening
    assert opening.count == 2
    # It has succeeded: everyone may connect again.
    assert connector() is opening
    assert connector.last_error is None


def test_connector_opens_several_at_once_while_all_is_well() -> None:
    opening = Opening()
    opening.gate.clear()
    connector = make_connector(opening, retry_pause=HANG)
    with ThreadPoolExecutor(3) as threads:
        connections = [threads.submit(connector) for _ in range(3)]
        wait_for(lambda: opening.count == 3)
        opening.gate.set()
        assert [connection.result(timeout=HANG) for connection in connections] == [opening] * 3
