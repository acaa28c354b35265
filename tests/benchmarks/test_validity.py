"""Figures count only if everybody was answered, and peers only if they are near the floor."""

from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks import pgbench
from benchmarks.contest import is_valid, summarise, take_turns
from benchmarks.contestants import COMPETITORS, competing
from benchmarks.draws import Draw
from benchmarks.errors import BenchmarkError
from benchmarks.fleet import is_steady
from benchmarks.generators import Turn
from benchmarks.rate import attempt
from benchmarks.report import newest
from benchmarks.speed_tables import contest_table
from benchmarks.subject import Subject
from benchmarks.turns import Load
from tests.benchmarks.turns import turn


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


def test_the_best_form_of_a_peer_is_one_that_was_answered_right() -> None:
    turns = {"fastify": [turn(430)], "fastify-pipelined": [turn(600, errors=1)]}
    assert summarise(turns)["at_best"]["fastify"] == "fastify"
    turns = {"fastify-1": [turn(430, errors=1)], "fastify-pipelined": [turn(600, errors=1)]}
    assert summarise(turns)["at_best"]["fastify"] == "fastify-pipelined"


def test_a_peer_is_unfair_with_errors() -> None:
    turns = {"express": [turn(160, errors=1)], "pgbench-prepared": [turn(1_000)]}
    assert summarise(turns)["peers_hold"]["express"]["holds"] is False


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


def test_more_contestants_than_the_database_has_room_for_are_refused() -> None:
    subject = Subject({}, Draw([1]), None, 99, {})
    with (
        pytest.raises(BenchmarkError, match=r"up to 156 connections .* 99 are free: raise max_con"),
        competing(COMPETITORS, subject),
    ):
        pass
