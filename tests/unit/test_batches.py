"""Requests for products that wait at the same time, and what becomes of each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from products_service import waiting
from products_service.database import batches, checkouts
from products_service.database.deadlines import deadline_within
from products_service.database.errors import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    StatementError,
)
from tests.unit.asking import Make, later_by
from tests.waiting import HANG


def moments(bodies: Sequence[str]) -> list[str]:
    return [body.partition(" ")[2] for body in bodies]


def test_who_asks_in_one_turn_is_answered_by_one_execution(worker: Make) -> None:
    asked = worker(pool_size=4)
    numbers = [5, 3, 5, 4]
    bodies = asked.ask(*(("tell", number) for number in numbers))
    assert [body.split()[0] for body in bodies] == [str(number) for number in numbers]
    assert len(set(moments(bodies))) == 1
    assert asked.uses.total == 1


def test_one_alone_is_asked_for_by_the_statement_itself(worker: Make) -> None:
    asked = worker()
    assert asked.ask(("prepared", 5)) == ["1 of prepared, 0 of prepared_for_each"]
    assert asked.ask(*[("prepared", 5)] * 2) == ["1 of prepared, 1 of prepared_for_each"] * 2


def test_who_has_used_up_much_of_its_time_asks_alone(worker: Make) -> None:
    asked = worker(pool_size=4)
    bodies: list[str] = []
    with deadline_within(HANG / 2):
        asked.start(bodies, ("tell", 1), ("tell", 2))
    asked.start(bodies, ("tell", 3), ("tell", 4))
    asked.turn(lambda: len(bodies) == 4)
    assert asked.uses.total == 3


@pytest.mark.usefixtures("nothing_is_slow")
def test_who_asks_for_others_does_so_in_full_time(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("products_service.database.executor.LEAST_LEFT", 0.0)
    asked = worker()
    outcomes: list[Any] = []
    with asked.locked(1):
        with deadline_within(HANG / 2):
            asked.start(outcomes, ("divide", 2))
        asked.start(outcomes, ("lock", 1))
        asked.turn(lambda: asked.under_way() == 1)
        monkeypatch.setattr(batches.time, "monotonic", later_by(HANG / 2))
        asked.turn_once()
    asked.turn(lambda: len(outcomes) == 2)
    assert sorted(outcomes) == ["1", "5"]
    assert asked.uses.total == 1


@pytest.mark.usefixtures("nothing_is_slow")
def test_who_asks_while_two_are_under_way_is_answered_together(worker: Make) -> None:
    asked = worker()
    waited: list[str] = []
    bodies: list[str] = []
    with asked.locked(1, 2):
        for product in (1, 2):
            asked.start(waited, ("lock", product))
            asked.turn_once()
        for number in range(3):
            asked.start(bodies, ("tell", number))
            asked.turn_once()
        assert asked.under_way() == 2
        assert not waited
    asked.turn(lambda: len(bodies) == 3)
    assert sorted(waited) == ["1", "2"]
    assert len(set(moments(bodies))) == 1
    assert asked.uses.total == 1


@pytest.mark.usefixtures("nothing_is_slow")
def test_the_next_batch_is_asked_for_before_the_last_one_has_its_answers(worker: Make) -> None:
    """Or PostgreSQL would have nothing to do while those answers are made and sent."""
    asked = worker()
    under_way: list[int] = []

    class Noting(list[str]):
        def append(self, body: str) -> None:
            under_way.append(asked.under_way())
            super().append(body)

    bodies = Noting()
    with ExitStack() as stack:
        locks = [stack.enter_context(asked.locked(product)) for product in (10, 20, 30)]
        for product in (10, 20, 30):
            asked.start(bodies, ("lock", product), ("lock", product + 1))
            asked.turn_once()
        asked.turn_once()  # until the third is in line, too
        assert asked.under_way() == 2
        assert not bodies
        for release in locks:
            before = len(bodies)
            release()
            asked.turn(lambda before=before: len(bodies) == before + 2)
    assert [int(body) // 10 for body in bodies] == [1, 1, 2, 2, 3, 3]
    assert under_way == [2, 2, 1, 1, 0, 0]
    assert asked.uses.total == 1


@pytest.mark.usefixtures("nothing_is_slow")
def test_no_batch_is_too_large(worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LARGEST", 3)
    asked = worker()
    bodies = asked.ask(*(("tell", number) for number in range(7)))
    assert [body.split()[0] for body in bodies] == [str(number) for number in range(7)]
    assert asked.uses.total == 1
    assert [moments(bodies).count(moment) for moment in sorted(set(moments(bodies)))] == [3, 3, 1]


@pytest.mark.usefixtures("nothing_is_slow")
def test_different_statements_are_executed_as_one(worker: Make) -> None:
    asked = worker(pool_size=2)
    first, other, second, last = asked.ask(("tell", 3), ("divide", 1), ("tell", 2), ("sleep", 0))
    assert (other, last) == ("10", "0")
    assert [body.split()[0] for body in (first, second)] == ["3", "2"]
    assert len(set(moments([first, second]))) == 1
    assert asked.uses.total == 1


@pytest.mark.usefixtures("nothing_is_slow")
def test_a_batch_takes_half_of_those_who_are_there(worker: Make) -> None:
    asked = worker()
    waited: list[str] = []
    bodies: list[str] = []
    with asked.locked(1):
        asked.start(waited, ("lock", 1))
        asked.turn(lambda: asked.uses.now == 1)
        asked.start(bodies, *(("tell", number) for number in range(20)))
        asked.turn(lambda: asked.under_way() == 2)
    asked.turn(lambda: len(bodies) == 20)
    assert [moments(bodies).count(moment) for moment in sorted(set(moments(bodies)))] == [
        *(4, 5, 10, 1)
    ]


def test_a_defect_beside_other_statements_is_that_of_one_alone(worker: Make) -> None:
    asked = worker()
    none, told, slept = asked.ask(("divide", 0), ("tell", 1), ("sleep", 0))
    assert isinstance(none, StatementError)
    assert (told.split()[0], slept) == ("1", "0")


def test_a_batch_goes_beside_one_that_is_slow(worker: Make) -> None:
    asked = worker(pool_size=3)
    slow: list[str] = []
    fast: list[str] = []
    with asked.locked(1):
        asked.start(slow, ("lock", 1), ("lock", 2))
        asked.turn(lambda: asked.uses.now == 1)
        asked.start(fast, ("divide", 5), ("divide", 2))
        asked.turn(lambda: len(fast) == 2)
        assert (fast, slow) == (["2", "5"], [])
    asked.turn(lambda: len(slow) == 2)
    assert (asked.uses.total, asked.uses.most) == (2, 2)


@pytest.mark.usefixtures("nothing_is_slow")
def test_only_who_is_slow_is_passed(worker: Make) -> None:
    """Three are under way one after the other although each could have a connection."""
    asked = worker(pool_size=3)
    for _ in range(20):
        asked.ask(*[("tell", 1), ("divide", 1), ("sleep", 1)] * 3)
    assert asked.uses.most == 1


def test_other_statements_are_asked_for_one_by_one(worker: Make) -> None:
    asked = worker(pool_size=2)
    assert asked.ask(("hold",), ("hold",), ("hold",)) == [""] * 3
    assert (asked.uses.total, asked.uses.most) == (3, 2)


def test_a_defect_is_that_of_one_alone(worker: Make) -> None:
    asked = worker()
    whole, none, half = asked.ask(("divide", 1), ("divide", 0), ("divide", 2))
    assert (whole, half) == ("10", "5")
    assert isinstance(none, StatementError)
    assert asked.uses.now == 0


def test_the_connection_that_was_used_last_is_used_next(worker: Make) -> None:
    asked = worker(pool_size=3)
    assert len({asked.ask(("session",))[0] for _ in range(5)}) == 1
    assert len(set(asked.ask(*[("session",)] * 3))) == 3


def test_what_took_too_long_is_not_run_again(worker: Make) -> None:
    asked = worker(pool_size=3, statement_timeout=0.5)
    outcomes = asked.ask(("sleep", 1), ("sleep", 30_000), ("sleep", 2))
    assert [type(outcome) for outcome in outcomes] == [DatabaseTimeoutError] * 3
    assert asked.uses.total == 1


def test_after_a_batch_that_took_too_long_each_asks_alone_for_a_while(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = worker(pool_size=3, statement_timeout=0.5)
    asked.ask(("sleep", 1), ("sleep", 30_000))
    slow, *quick = asked.ask(("sleep", 30_000), ("sleep", 1), ("sleep", 2))
    assert isinstance(slow, DatabaseTimeoutError)
    assert quick == ["1", "2"]
    assert (asked.uses.total, asked.uses.most) == (4, 3)
    monkeypatch.setattr(batches.time, "monotonic", later_by(batches.APART))
    assert asked.ask(("divide", 5), ("divide", 2)) == ["2", "5"]
    assert asked.uses.total == 5


def test_one_that_is_slow_alone_has_nobody_ask_alone(worker: Make) -> None:
    asked = worker(statement_timeout=0.5)
    assert isinstance(asked.ask(("sleep", 30_000))[0], DatabaseTimeoutError)
    asked.ask(("divide", 5), ("divide", 2))
    assert asked.uses.total == 2


def test_all_are_told_when_the_deadline_comes(worker: Make) -> None:
    asked = worker(pool_size=2, deadline=1)
    outcomes = asked.ask(*(("sleep", 30_000 + number) for number in range(4)))
    assert [type(outcome) for outcome in outcomes] == [DatabaseTimeoutError] * 4
    assert asked.uses.total == 1
    # and others come after them
    assert asked.ask(("divide", 5), ("divide", 2)) == ["2", "5"]


def test_who_is_shed_joins_nobody(worker: Make) -> None:
    asked = worker()
    refused: list[Any] = []
    answered: list[Any] = []
    for product in (5, 2):
        checkouts.shed(asked.start, refused, ("divide", product))
        asked.start(answered, ("divide", product))
    asked.turn(lambda: len(answered) == 2)
    assert answered == ["2", "5"]
    assert [type(outcome) for outcome in refused] == [DatabaseBusyError] * 2


def test_all_are_refused_when_no_connection_comes_free(
    worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts, "PATIENCE_IN_ONE_THREAD", 0.1)
    asked = worker()
    with asked.connection_kept():
        outcomes = asked.ask(("divide", 5), ("divide", 2), ("hold",))
    assert [type(outcome) for outcome in outcomes] == [DatabaseBusyError] * 3
    assert asked.ask(("divide", 5), ("divide", 2)) == ["2", "5"]


def test_a_connection_that_is_lost_is_everybodys(worker: Make) -> None:
    asked = worker()
    outcomes = asked.ask(("leave", 1), ("leave", 2))
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnreachableError] * 2
    assert asked.ask(("divide", 5), ("divide", 2)) == ["2", "5"]


@pytest.mark.parametrize("rows_left", [[], [1, 2]], ids=["none", "not the first"])
def test_fault_of_ours_leaves_nobody_waiting_and_nobody_has_what_is_anothers(
    worker: Make, monkeypatch: pytest.MonkeyPatch, rows_left: list[int]
) -> None:
    asked = worker()
    ask = asked._database._executor.run_batch
    broken = iter([True])

    def fail_once(*arguments: Any, **named: Any) -> Any:
        rows = ask(*arguments, **named)
        return [rows[number] for number in rows_left] if next(broken, False) else rows

    monkeypatch.setattr(asked._database._executor, "run_batch", fail_once)
    fetch = asked._database.fetch
    failed = []

    def notice(*arguments: Any, **named: Any) -> Any:
        try:
            return fetch(*arguments, **named)
        except ValueError as error:
            failed.append(error)
            raise DatabaseError from error

    monkeypatch.setattr(asked._database, "fetch", notice)
    first, *others = asked.ask(("divide", 5), ("divide", 2), ("divide", 1))
    assert isinstance(first, DatabaseError)
    assert others == ["5", "10"]
    assert len(failed) == 1
    assert asked.ask(("divide", 5), ("divide", 2)) == ["2", "5"]


def test_where_threads_serve_each_asks_alone(worker: Make) -> None:
    asked = worker(pool_size=2)
    waiting.install(None)
    ask = partial(asked._database.fetch, "divide")
    with ThreadPoolExecutor(2) as threads:
        bodies = [answer.body for answer in threads.map(lambda id_: ask(product_id=id_), (5, 2))]
    assert bodies == ["2", "5"]
    assert asked.uses.total == 2


def test_a_connection_that_could_not_be_replaced_is_not_the_next_to_be_used(worker: Make) -> None:
    asked = worker(pool_size=2)
    pids = asked.ask(("session",), ("session",))
    pool = asked._database._pool._pool
    last = pool._idle_cache[-1]
    last.dbapi_connection.close()
    pool._connections += 1
    pool.cache(pool._idle_cache.pop())
    assert asked.ask(("session",))[0] in pids
