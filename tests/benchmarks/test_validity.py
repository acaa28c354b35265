"""Figures count only if everybody was answered, and peers only if they are near the floor."""

from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks import pgbench
from benchmarks.contest import Turns, is_valid, summarise, take_turns
from benchmarks.contestants import Load
from benchmarks.draws import Draw
from benchmarks.errors import BenchmarkError
from benchmarks.fleet import is_steady
from benchmarks.generators import Turn
from benchmarks.rate import attempt
from benchmarks.report import newest
from benchmarks.speed_tables import contest_table, growth_table, pool_table
from benchmarks.targets import findings


def turn(per_second: float, p99: float = 10, errors: int = 0, busy: float = 1) -> Turn:
    latency = {"p50": 1.0, "p99": p99}
    return Turn(round(per_second), 1.0, errors, latency, {"app": 100.0}, busy=busy)


@pytest.mark.parametrize(("errors", "busy", "valid"), [(0, 1, 1), (1, 1, 0), (0, 0.4, 0)])
def test_what_counts(errors: int, busy: float, valid: int) -> None:
    one = turn(1_000, errors=errors, busy=busy)
    assert is_valid(one) == bool(valid)
    assert summarise({"a": [turn(1_000), one]})["contestants"]["a"]["valid"] == bool(valid)


def test_ratios_are_taken_round_by_round() -> None:
    # the machine was twice as fast in the second round
    turns = {
        "greenlet": [turn(300, p99=6), turn(600, p99=3), turn(303, p99=6)],
        "express": [turn(100, p99=12), turn(200, p99=6), turn(100, p99=12)],
    }
    summary = summarise(turns)
    assert summary["ratios"]["express"]["greenlet"] == {"per_second": 3.0, "p99": 0.5}
    assert summary["contestants"]["greenlet"]["per_second"] == 303


@pytest.mark.parametrize(("fastify", "holds"), [(430, True), (410, False)])
def test_peers_are_fair_or_not(fastify: float, holds: bool) -> None:
    turns = {"express": [turn(160)], "fastify": [turn(fastify)], "pgbench-prepared": [turn(1_000)]}
    peers = summarise(turns)["peers_hold"]
    assert peers["express"] == {"reached": 0.16, "needed": 0.15, "holds": True}
    assert peers["fastify"]["holds"] is holds


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
    assert requests == ("1.250 x, greenlet-1 to fastify-1", True)
    assert p99 == ("0.400 x, greenlet-1 to fastify-1", True)
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


def test_the_best_form_of_a_peer_is_one_that_was_answered_right() -> None:
    turns = {"fastify": [turn(430)], "fastify-pipelined": [turn(600, errors=1)]}
    assert summarise(turns)["at_best"]["fastify"] == "fastify"
    turns = {"fastify-1": [turn(430, errors=1)], "fastify-pipelined": [turn(600, errors=1)]}
    assert summarise(turns)["at_best"]["fastify"] == "fastify-pipelined"


def test_a_peer_is_unfair_with_errors() -> None:
    turns = {"express": [turn(160, errors=1)], "pgbench-prepared": [turn(1_000)]}
    assert summarise(turns)["peers_hold"]["express"]["holds"] is False


def judged(turns: Turns, mix: str = "styles") -> dict[str, tuple[str, bool | None] | None]:
    """Return what is found of the targets that such turns tell of, by what they are of."""
    results = {"mixes": {"mixes": {mix: summarise(turns)}}}
    return {
        target.what: found for target, found in findings(results) if target.benchmark == "mixes"
    }


# What a result of `rate` has beside what a test is about.
RATE = {
    "worker_class": "greenlet",
    "constant": [
        {"hosts": 4, "rate": 800, "errors": 0, "steady": True, "latency_ms": {"p99": 1.0}}
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


@pytest.mark.parametrize(
    ("ratios", "steady"),
    [
        ([0.67] * 5, False),
        ([0.3, 0.5, 0.6, 0.65, 0.66, 0.67], False),
        ([0.3, 0.66, 0.68, 0.66, 0.67, 0.66, 0.69], True),
    ],
)
def test_a_cache_is_warm_once_its_ratio_grows_no_more(ratios: list[float], steady: bool) -> None:
    assert is_steady(ratios) is steady


def test_rates_are_judged_by_the_median_of_their_rounds() -> None:
    def found(*p99: float, **others: int) -> tuple[str, bool | None] | None:
        constant = [
            {"hosts": hosts, "rate": 900, "errors": 0, "steady": True, "latency_ms": {"p99": each}}
            for each in p99
            for hosts in (4, 5)
        ]
        constant[-1] |= others
        return of("rate", {**RATE, "constant": constant})["800 and 900"]

    assert found(9, 90, 10) == ("0 errors, p99 10.0 ms", True)
    assert found(9, 90, 16) == ("0 errors, p99 16.0 ms", False)
    assert found(9, 90, 10, errors=1) == ("1 errors, p99 10.0 ms", False)
    assert found(9, 90, 10, warming_errors=1) == ("1 errors, p99 10.0 ms", False)


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
    turns = {"greenlet": answered, "greenlet-unpooled": unanswered}
    pool = {
        "worker_class": "greenlet",
        "mixes": {"styles": summarise(turns, ["greenlet-unpooled"])},
    }
    assert of("pool", pool)["a pool"] == nothing
    assert "greenlet: - x the requests/s of greenlet-unpooled" in pool_table(pool)


@dataclass
class Warmed:
    """A fleet that answers every rate, with a cache that is steady or not, and so many errors."""

    steady: bool
    errors: int

    def warm(self, rate: int, seconds: float) -> dict[str, Any]:
        return {"warming": [0.5, 0.6], "steady": self.steady, "warming_errors": self.errors}

    def ask(self, rate: int, seconds: float) -> Turn:
        times = {"p99.5": 1.0}
        return Turn(rate, 1.0, 0, times, {}, late_ms=times)


@pytest.mark.parametrize(
    ("steady", "errors", "held"), [(True, 0, True), (False, 0, False), (True, 1, False)]
)
def test_a_rate_is_held_once_the_cache_is_steady_if_nothing_failed_until_then(
    steady: bool, errors: int, held: bool
) -> None:
    assert attempt(Warmed(steady, errors), 1_000, 1, 1)["held"] is held


def test_tables_compare_nothing_with_what_is_void() -> None:
    turns = {"greenlet": [turn(600, errors=1)], "greenlet-1": [turn(500)], "express": [turn(100)]}
    turns["express-1"] = turns["express"]
    lines = list(contest_table({"mixes": {"styles": summarise(turns)}}))
    (void,) = [line for line in lines if line.startswith("greenlet ")]
    assert "VOID: 1 errors" in void
    assert void.partition("600")[2].split()[:6] == ["1", "10", "100", "-", "-", "-"]
    assert len([line for line in lines if line.startswith("greenlet-1 ")]) == 2


def test_of_two_results_that_counts_in_which_most_took_part() -> None:
    def result(started: str, **turns: list[Turn]) -> dict[str, Any]:
        return {"started_at": started, "mixes": {"styles": summarise(turns)}}

    whole = result("2026-01-01", greenlet=[turn(1)], express=[turn(1)])
    later = result("2026-01-03", greenlet=[turn(2)], express=[turn(1)])
    part = result("2026-01-02", greenlet=[turn(3)])
    assert newest([part, whole]) == [whole]
    assert newest([later, part, whole]) == [later]
    page = {"started_at": "2026-01-04", "mixes": {"page": part["mixes"]["styles"]}}
    both = {**whole, "mixes": whole["mixes"] | page["mixes"]}
    assert newest([both, page]) == [whole, page]


PGBENCH = """\
progress: 5.0 s, 9000.0 tps, lat 1.7 ms stddev 0.5, 0 failed
number of transactions actually processed: 76000
number of failed transactions: 0 (0.000%)
latency average = 1.68 ms
initial connection time = 500.000 ms
tps = 10133.333333 (without initial connection time)
"""


def test_pgbench_is_counted_from_its_first_report_on() -> None:
    # 8 s of which it connected for half a second: 45,000 until 5 s, so 31,000 in the last 3
    found = pgbench.read(PGBENCH, {"postgres": 3.1}, 16)
    assert (found.requests, found.seconds, found.cpu_us) == (31_000, 3.0, {"postgres": 100.0})
    assert found.latency_ms["mean"] == round(16 * 3_000 / 31_000, 3)


class Lost:
    """A contestant that has ended."""

    def take(self, load: Load, seconds: float) -> Turn:
        raise BenchmarkError("nobody answers")


def test_who_fails_is_named() -> None:
    draw = Draw([1, 2, 3])
    with pytest.raises(BenchmarkError, match=r"^fastify-1 failed: nobody answers$"):
        take_turns({"fastify-1": Lost()}, draw, "styles", 1, 0.001, 1)
