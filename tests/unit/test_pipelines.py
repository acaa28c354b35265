"""Batches that are sent behind one another, and what becomes of who waits behind whom."""

import os
import random
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from products_service.database import pipelines
from products_service.database.errors import (
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    StatementError,
)
from tests.unit.asking import Make, Worker, later_by
from tests.waiting import HANG


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is under way is fast, but who waits behind it asks elsewhere after a moment."""
    for limit in ("SLOW", "LONGEST"):
        monkeypatch.setattr(pipelines, limit, HANG)


@contextmanager
def behind(asked: Worker, first: tuple[str, int], second: tuple[str, int]) -> Iterator[list[Any]]:
    """Yield the outcomes, in the order in which they come, of one that is sent behind another.

    Product 1 is locked until the end of the block; after it both have come.
    """
    outcomes: list[Any] = []
    with asked.locked(1):
        asked.start(outcomes, first)
        asked.turn_once()
        asked.start(outcomes, second)
        asked.turn_once()
        assert (asked.under_way(), asked.uses.now, outcomes) == (2, 1, [])
        yield outcomes
    asked.turn(lambda: len(outcomes) == 2)
    assert asked.uses.now == 0


@pytest.mark.usefixtures("nothing_is_slow")
def test_one_is_sent_behind_another_on_its_connection(worker: Make) -> None:
    asked = worker(pool_size=2)
    with behind(asked, ("lock", 1), ("divide", 5)) as outcomes:
        pass
    assert outcomes == ["1", "2"]
    assert (asked.uses.total, asked.uses.most) == (1, 1)


@pytest.mark.usefixtures("nothing_is_slow")
def test_a_third_waits_for_the_first(worker: Make) -> None:
    asked = worker(pool_size=2)
    outcomes: list[str] = []
    with asked.locked(2), asked.locked(1) as release:
        for product in (1, 2, 3):
            asked.start(outcomes, ("lock", product))
            asked.turn_once()
        assert (asked.under_way(), asked.uses.now) == (2, 1)
        release()
        asked.turn(lambda: len(outcomes) == 1)
        assert (asked.under_way(), outcomes) == (2, ["1"])
    asked.turn(lambda: len(outcomes) == 3)
    assert outcomes == ["1", "2", "3"]


@pytest.mark.usefixtures("impatient")
def test_who_waits_behind_a_slow_one_is_asked_for_elsewhere(worker: Make) -> None:
    asked = worker(pool_size=2)
    with behind(asked, ("lock", 1), ("divide", 5)) as outcomes:
        asked.turn(lambda: outcomes == ["2"])
    assert outcomes == ["2", "1"]
    assert (asked.uses.total, asked.uses.most) == (2, 2)
    # whose connection had the answer of one that nobody waits for
    assert asked.ask(*[("divide", 2)] * 3) == ["5"] * 3


def test_behind_a_slow_one_none_is_sent(worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "PATIENCE", HANG)  # nor asked for elsewhere
    asked = worker(pool_size=2)
    outcomes: list[str] = []
    with asked.locked(1):
        asked.start(outcomes, ("lock", 1))
        asked.turn(lambda: asked.uses.now == 1)
        asked.ask(("hold",))  # 50 ms
        asked.start(outcomes, ("divide", 5))
        asked.turn(lambda: outcomes == ["2"])
    asked.turn(lambda: len(outcomes) == 2)
    assert outcomes == ["2", "1"]
    assert asked.uses.most == 2


def test_after_a_slow_one_they_are_asked_for_one_by_one(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = worker(pool_size=2)
    at_once = asked._database._executor._pipelines.at_once
    assert at_once() == 2
    monkeypatch.setattr(pipelines, "SLOW", 0.0)
    asked.ask(("divide", 2))
    assert at_once() == 1
    monkeypatch.setattr(pipelines, "SLOW", HANG)
    asked.ask(("divide", 5))
    assert at_once() == 2


@pytest.mark.usefixtures("impatient")
def test_who_asks_elsewhere_does_not_make_a_slow_one_fast(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = worker(pool_size=2)
    with behind(asked, ("lock", 1), ("divide", 5)) as outcomes:
        asked.turn(lambda: outcomes == ["2"])
        monkeypatch.setattr(pipelines, "SLOW", 0.0)
    assert outcomes == ["2", "1"]
    assert asked._database._executor._pipelines.at_once() == 1


@pytest.mark.usefixtures("nothing_is_slow")
def test_what_one_waits_behind_another_does_not_make_it_slow(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines, "SLOW", HANG / 2)
    asked = worker()
    with behind(asked, ("lock", 1), ("divide", 5)) as outcomes:
        monkeypatch.setattr(pipelines.time, "monotonic", later_by(HANG / 2))
    assert outcomes == ["1", "2"]
    assert asked._database._executor._pipelines.at_once() == 2


@pytest.mark.usefixtures("nothing_is_slow")
def test_a_connection_for_which_others_wait_is_given_back(worker: Make) -> None:
    asked = worker()
    outcomes: list[str] = []
    with asked.locked(1):
        asked.start(outcomes, ("lock", 1))
        asked.turn_once()
        asked.start(outcomes, ("session",))  # which is asked for alone
        asked.turn_once()
        asked.start(outcomes, ("divide", 5))
        asked.turn_once()
    asked.turn(lambda: len(outcomes) == 3)
    assert outcomes[0] == "1"
    assert outcomes[2] == "2"
    assert (asked.uses.total, asked.uses.most) == (3, 1)


@pytest.mark.usefixtures("nothing_is_slow")
def test_a_connection_is_given_back_between_two_that_follow_each_other(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = worker(pool_size=2)
    with behind(asked, ("lock", 1), ("divide", 5)) as outcomes:
        pass
    assert outcomes == ["1", "2"]
    assert asked.uses.total == 1
    monkeypatch.setattr(pipelines, "LONGEST", HANG / 2)
    outcomes.clear()
    with asked.locked(2), asked.locked(1) as release:
        for product in (1, 2, 3):
            asked.start(outcomes, ("lock", product))
            asked.turn_once()
        monkeypatch.setattr(pipelines.time, "monotonic", later_by(HANG / 2))
        release()
        asked.turn(lambda: outcomes == ["1", "3"])
    asked.turn(lambda: len(outcomes) == 3)
    assert (asked.uses.total, asked.uses.most) == (3, 2)


@pytest.mark.usefixtures("nothing_is_slow")
@pytest.mark.parametrize(
    ("first", "limit", "error"),
    # The second takes no longer than is waited for on a slow machine to send something behind it.
    [(("fail", 1), HANG, StatementError), (("lock", 1), 3, DatabaseTimeoutError)],
    ids=["defect", "time limit"],
)
def test_a_failure_is_not_that_of_who_waits_behind_it(
    worker: Make, first: tuple[str, int], limit: float, error: type[Exception]
) -> None:
    asked = worker(statement_timeout=limit)
    with behind(asked, first, ("divide", 5)) as outcomes:
        if error is DatabaseTimeoutError:
            asked.turn(lambda: len(outcomes) == 2)
    failed, answered = outcomes
    assert isinstance(failed, error)
    assert answered == "2"
    assert asked.uses.total == 1


@pytest.mark.usefixtures("nothing_is_slow")
def test_the_deadline_is_not_that_of_who_waits_behind_it(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = worker(pool_size=2)
    outcomes: list[Any] = []
    with asked.locked(1):
        asked.start(outcomes, ("lock", 1))
        asked.turn_once()
        monkeypatch.setattr(pipelines.time, "monotonic", later_by(HANG / 2))
        asked.start(outcomes, ("divide", 5))
        asked.turn_once()
        assert asked.under_way() == 2
        monkeypatch.setattr(pipelines.time, "monotonic", later_by(HANG / 2))
        asked.turn(lambda: len(outcomes) == 2)
    failed, answered = outcomes
    assert isinstance(failed, DatabaseTimeoutError)
    assert answered == "2"


@pytest.mark.usefixtures("nothing_is_slow")
@pytest.mark.parametrize("first", ["leave", "lock"])
def test_who_waited_behind_one_that_lost_the_connection_is_asked_for_elsewhere(
    worker: Make, first: str
) -> None:
    asked = worker(pool_size=2)
    if first == "leave":  # which takes its next connection with it too
        with behind(asked, ("leave", 1), ("divide", 5)) as outcomes:
            pass
        assert sorted(map(type, outcomes), key=str) == [DatabaseUnreachableError, str]
        assert "2" in outcomes
    else:
        with behind(asked, ("lock", 1), ("divide", 5)) as outcomes:
            asked.end_sessions()
        assert sorted(outcomes) == ["1", "2"]
    # the one that was lost is replaced for whom it was lost
    assert (asked.uses.total, asked.uses.now) == (2, 0)
    assert asked.ask(("divide", 2)) == ["5"]


@pytest.mark.usefixtures("nothing_is_slow")
def test_who_waits_is_told_of_a_loss_that_is_found_by_who_sends_behind_it(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq closes the socket when a second statement cannot be sent, so nothing else tells."""
    # longer than a turn lasts: who is not told would find out by itself
    monkeypatch.setattr(pipelines, "PATIENCE", 2 * HANG)
    asked = worker(pool_size=3, deadline=2 * HANG)
    second: list[str] = []
    third: list[str] = []

    class First(list[str]):
        def append(self, body: str) -> None:
            super().append(body)
            asked.start(third, ("divide", 5))  # in this turn, after the second began to wait

    first = First()

    def lose() -> None:
        release()
        file = asked._database._executor._pipelines._last._fd
        assert select.select([file], [], [], HANG)[0]  # the answer has come
        with socket.socket(fileno=os.dup(file)) as connection:
            connection.shutdown(socket.SHUT_RDWR)

    with asked.locked(1) as release:
        asked.start(first, ("lock", 1))
        asked.turn_once()
        asked._hub.spawn(lose)
        asked.start(second, ("divide", 2))
        asked.turn_once()
    assert asked.under_way() == 2
    asked.turn(lambda: bool(first and second and third))
    assert (first, second, third) == (["1"], ["5"], ["2"])
    assert asked.uses.now == 0


def test_whatever_happens_each_has_its_own_outcome(worker: Make) -> None:
    asked = worker(pool_size=4, statement_timeout=0.3, retry_pause=0.0)
    random.seed(17)
    expected: dict[str, Callable[[int], Any]] = {
        "divide": lambda product: str(10 // product) if product else StatementError,
        "sleep": lambda product: str(product) if product < 200 else DatabaseTimeoutError,
        "leave": lambda _: DatabaseUnreachableError,
    }
    pairs: list[tuple[tuple[str, int], list[Any]]] = []
    for number in range(3_000):
        name = random.choices(list(expected), (95, 5, 0.3))[0]
        product = {
            "divide": random.choice([0] + [1, 2, 5, 10] * 20),
            "sleep": random.choice([0, 1, 5, 20, 120] * 3 + [30_000]),
            "leave": 1,
        }[name]
        outcomes: list[Any] = []
        pairs.append(((name, product), outcomes))
        asked.start(outcomes, (name, product))
        if number % random.choice([1, 7, 40]) == 0:
            asked.turn_once()
    asked.turn(lambda: all(outcomes for _, outcomes in pairs))
    innocent = 0
    for (name, product), (outcome,) in pairs:
        wanted = expected[name](product)
        if isinstance(wanted, type):
            assert isinstance(outcome, (wanted, DatabaseTimeoutError, DatabaseUnreachableError))
        elif isinstance(outcome, str):
            assert outcome == wanted
        else:
            # as one of a batch with one that took too long, or took its connection with it
            assert isinstance(outcome, (DatabaseTimeoutError, DatabaseUnreachableError))
            innocent += 1
    assert innocent < len(pairs) / 2
    assert asked.uses.now == 0
