"""Who opens the pool's connections: not again at once after a failure, and one at a time then."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from products_service.database.deadlines import NoTimeLeftError
from products_service.database.errors import DatabaseUnreachableError
from products_service.database.pooled_db import CircuitBreaker
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


def make_breaker(opening: Callable[[], object], retry_pause: float) -> CircuitBreaker:
    breaker = CircuitBreaker(opening, retry_pause)
    breaker.filling = False
    return breaker


def test_breaker_refuses_for_a_while_after_a_failure() -> None:
    opening = Opening()
    breaker = make_breaker(opening, retry_pause=HANG)
    opening.error = psycopg2.OperationalError("no route")
    with pytest.raises(psycopg2.OperationalError):
        breaker()
    opening.error = None
    for _ in range(3):
        with pytest.raises(DatabaseUnreachableError):
            breaker()
    assert opening.count == 1
    assert breaker.last_error == "no route"


def test_breaker_learns_nothing_from_who_has_no_time_left() -> None:
    opening = Opening()
    breaker = make_breaker(opening, retry_pause=HANG)
    opening.error = NoTimeLeftError()
    with pytest.raises(NoTimeLeftError):
        breaker()
    opening.error = None
    assert breaker() is opening


def test_who_has_no_time_left_ends_no_pause_of_another_s() -> None:
    count = 0

    def open_connection() -> object:
        nonlocal count
        count += 1
        if count > 1:
            raise psycopg2.OperationalError("no route")
        # while this one is at it, another one fails
        with pytest.raises(psycopg2.OperationalError):
            breaker()
        raise NoTimeLeftError

    breaker = make_breaker(open_connection, retry_pause=HANG)
    with pytest.raises(NoTimeLeftError):
        breaker()
    with pytest.raises(DatabaseUnreachableError):
        breaker()
    assert breaker.last_error == "no route"


def test_breaker_lets_one_caller_probe_however_long_that_takes() -> None:
    opening = Opening()
    breaker = make_breaker(opening, retry_pause=0)
    opening.error = psycopg2.OperationalError("no route")
    with pytest.raises(psycopg2.OperationalError):
        breaker()
    opening.error = None
    opening.gate.clear()
    opening.entered.clear()
    with ThreadPoolExecutor(1) as thread:
        probe = thread.submit(breaker)
        try:
            assert opening.entered.wait(HANG)
            for _ in range(3):
                with pytest.raises(DatabaseUnreachableError):
                    breaker()
        finally:
            opening.gate.set()
        assert probe.result(timeout=HANG) is opening
    assert opening.count == 2
    # It has succeeded: everyone may connect again.
    assert breaker() is opening
    assert breaker.last_error is None


def test_breaker_opens_several_at_once_while_all_is_well() -> None:
    opening = Opening()
    opening.gate.clear()
    breaker = make_breaker(opening, retry_pause=HANG)
    with ThreadPoolExecutor(3) as threads:
        connections = [threads.submit(breaker) for _ in range(3)]
        wait_for(lambda: opening.count == 3)
        opening.gate.set()
        assert [connection.result(timeout=HANG) for connection in connections] == [opening] * 3
