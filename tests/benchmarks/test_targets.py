"""Targets are reached against peers that are fair, and by figures that count."""

from typing import Any

import pytest

from benchmarks.contest import Turns, summarise
from benchmarks.speed_tables import growth_table, pool_table
from benchmarks.targets import findings
from tests.benchmarks.turns import turn


def judged(turns: Turns, mix: str = "styles") -> dict[str, tuple[str, bool | None] | None]:
    """Return what is found of the targets that such turns tell of, by what they are of."""
    results = {"mixes": {"mixes": {mix: summarise(turns)}}}
    return {
        target.what: found for target, found in findings(results) if target.benchmark == "mixes"
    }


def test_each_is_compared_with_as_many_processes_as_are_best_for_it() -> None:
    turns = {
        "greenlet": [turn(500, p99=4)],
        "greenlet-1": [turn(600, p99=2)],
        "fastify": [turn(430, p99=8)],
        "fastify-1": [turn(480, p99=5)],
        "pgbench-prepared": [turn(1_000)],
    }
    assert summarise(turns)["peers_hold"]["fastify"]["reached"] == 0.48
    found = judged(turns)
    requests, p99 = (
        found[f"styles, one host, no cache, against {what}"]
        for what in ("Fastify at its best", "Fastify's p99")
    )
    assert requests == ("1.250 x, greenlet-1 to fastify-1; greenlet, as shipped, 1.042 x", True)
    assert p99 == ("0.400 x, greenlet-1 to fastify-1; greenlet, as shipped, 0.800 x", True)
    # by requests a second, also where another form's p99 is the better one
    turns |= {"greenlet": [turn(700, p99=4)]}
    assert judged(turns)["styles, one host, no cache, against Fastify's p99"] == (
        "0.800 x, greenlet to fastify-1",
        False,
    )


def test_of_two_forms_that_counts_which_is_nearer_round_by_round() -> None:
    # the machine was faster in the second round; the first form answers more in the others' median
    turns = {
        "greenlet": [turn(300), turn(600), turn(300)],
        "fastify": [turn(200), turn(260), turn(240)],
        "fastify-1": [turn(220), turn(500), turn(210)],
        "pgbench-prepared": [turn(500), turn(600), turn(500)],
    }
    assert summarise(turns)["at_best"]["fastify"] == "fastify"
    assert judged(turns)["styles, one host, no cache, against Fastify at its best"] == (
        "1.364 x (1.20 to 1.43), greenlet to fastify-1",
        True,
    )


# What a result of `rate` has beside what a test is about.
RATE = {
    "worker_class": "greenlet",
    "constant": [
        {
            **{"hosts": 4, "rate": 800, "per_second": 800, "errors": 0, "steady": True},
            "warming_errors": 0,
            "latency_ms": {"p99": 1.0},
        }
    ],
    "highest": {"rate": 10_000},
    "users": {
        generator: summarise({"greenlet": [turn(300)], "express": [turn(100)]})
        for generator in ("k6", "wrk")
    },
}


class Found(dict):
    """What is found, by the beginning of what it is of."""

    def __missing__(self, beginning: str) -> tuple[str, bool | None] | None:
        (found,) = [found for what, found in self.items() if what.startswith(beginning)]
        return found


def of(benchmark: str, result: dict[str, Any]) -> Found:
    """Return what is found of the targets that a result tells of."""
    return Found(
        (target.what, found)
        for target, found in findings({benchmark: result})
        if target.benchmark == benchmark
    )


def test_a_target_is_reached_against_a_fair_peer_only() -> None:
    ours, fair = [turn(600)], {"express": [turn(160)], "pgbench-prepared": [turn(1_000)]}
    against = "styles, one host, no cache, against Express + pg"
    assert judged({"greenlet": ours, **fair})[against] == ("3.750 x, greenlet to express", True)
    for turns in (
        {"greenlet": ours, "express": fair["express"]},
        {"greenlet": ours, **fair, "express": [turn(140)]},
        {"greenlet": ours, **fair, "express": [turn(160, errors=1)]},
    ):
        found = judged(turns)[against]
        assert found is not None
        assert found[1] is None
        assert "express" in found[0]
    # who misses against one that is not fair would miss the more against one that is
    slow = judged({"greenlet": [turn(300)], **fair, "express": [turn(140)]})[against]
    assert slow == (
        "2.143 x, greenlet to express; express is not fair, at 0.140 of pgbench instead of 0.15",
        False,
    )


def test_nothing_is_found_where_nothing_of_ours_counts() -> None:
    wrong = ("not all answers of this service were right", False)
    found = judged({"express": [turn(160)], "greenlet": [turn(600, errors=1)]})
    assert {what for what, each in found.items() if each == wrong} == {
        what for what in found if "styles" in what
    }
    assert not any(judged({"express": [turn(0)], "greenlet": [turn(600)]}, "page").values())
    assert not any(judged({"express": [turn(160)]}).values())


def test_rates_are_judged_by_the_median_of_their_rounds() -> None:
    def found(*p99: float, **others: int) -> tuple[str, bool | None] | None:
        constant = [
            {
                **{"hosts": hosts, "rate": 900, "per_second": 900, "errors": 0, "steady": True},
                "warming_errors": 0,
                "latency_ms": {"p99": each},
            }
            for each in p99
            for hosts in (4, 5)
        ]
        constant[-1] |= others
        return of("rate", {**RATE, "constant": constant})["800 and 900"]

    assert found(9, 90, 10) == ("0 errors, p99 10.0 ms", True)
    assert found(9, 90, 16) == ("0 errors, p99 16.0 ms", False)
    assert found(9, 90, 10, errors=1) == ("1 errors, p99 10.0 ms", False)
    assert found(9, 90, 10, warming_errors=1) == ("1 errors, p99 10.0 ms", False)
    unanswered = ("0 errors, p99 10.0 ms; not all were answered", False)
    assert found(9, 90, 10, per_second=890) == unanswered


def test_the_form_that_is_beside_ours_is_the_one_that_is_to_be_fair() -> None:
    turns = {
        "greenlet": [turn(300), turn(600), turn(300)],
        "fastify": [turn(200), turn(260), turn(240)],  # answers most in the median of all
        "fastify-1": [turn(220), turn(500), turn(210)],  # is nearer to ours, round by round
        "pgbench-prepared": [turn(540), turn(600), turn(560)],
    }
    assert summarise(turns)["at_best"]["fastify"] == "fastify"
    assert summarise(turns)["peers_hold"]["fastify"]["holds"]
    assert judged(turns)["styles, one host, no cache, against Fastify at its best"] == (
        "1.364 x (1.20 to 1.43), greenlet to fastify-1; fastify-1 is not fair, at 0.407 of pgbench "
        "instead of 0.42",
        None,
    )


RATES = {"greenlet": 500, "express": 160, "pgbench-prepared": 1_000}


def test_very_many_users_count_only_where_all_were_answered() -> None:
    def found(**changes: int) -> tuple[str, bool | None] | None:
        turns = {
            generator: {
                name: [turn(per_second, errors=changes.get(f"{name}_by_{generator}", 0))]
                for name, per_second in RATES.items()
            }
            for generator in ("k6", "wrk")
        }
        users = {generator: summarise(each) for generator, each in turns.items()}
        return of("rate", {**RATE, "users": users})["1,000 users"]

    assert found() == ("0 errors, 3.125 x by k6, 3.125 x by wrk", True)
    for changes in ({"greenlet_by_k6": 1}, {"greenlet_by_wrk": 1}, {"express_by_k6": 1}):
        assert not found(**changes)[1], changes


def test_the_last_page_counts_only_where_both_were_answered() -> None:
    def found(errors: int) -> tuple[str, bool | None] | None:
        turns = {"first": [turn(100)], "last": [turn(99, errors=errors)]}
        return of("growth", {"pages_of_the_list": summarise(turns, ["first"])})["last page"]

    assert found(0) == ("0.990 x", True)
    assert not found(1)[1]


@pytest.mark.parametrize("per_second", [[0], [100, 0, 100]])
def test_what_was_not_answered_is_told(per_second: list[float]) -> None:
    """By the tables too."""
    unanswered = [turn(each) for each in per_second]
    answered = [turn(100) for _ in per_second]
    nothing = ("a round of it was not answered at all", False)
    pages = summarise({"first": unanswered, "last": answered}, ["first"])
    growth = {"pages_of_the_list": pages, "by_products": [], "by_workers": {}, "by_connections": {}}
    growth |= {"memory_bytes": {"a_worker": 1, "a_connection": 1}, "start_seconds_by_workers": {}}
    assert of("growth", growth)["last page"] == nothing
    assert "the last page of the list: - x the requests/s of the first" in growth_table(growth)
    of_many = summarise({"greenlet": answered, "express": unanswered})
    users = of("rate", {**RATE, "users": {"k6": of_many, "wrk": of_many}})["1,000 users"]
    assert users is not None
    assert not users[1]
    turns = {"greenlet": answered, "greenlet-unpooled": unanswered}
    pool = {
        "worker_class": "greenlet",
        "mixes": {"styles": summarise(turns, ["greenlet-unpooled"])},
    }
    assert of("pool", pool)["a pool"] == nothing
    assert "greenlet: - x the requests/s of greenlet-unpooled" in pool_table(pool)
