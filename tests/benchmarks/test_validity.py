"""Figures count only if everybody was answered, and peers only if they are near the floor."""

import pytest

from benchmarks.contest import Turns, is_valid, summarise
from benchmarks.fleet import is_steady
from benchmarks.generators import Turn
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


def test_a_peer_is_unfair_with_errors() -> None:
    turns = {"express": [turn(160, errors=1)], "pgbench-prepared": [turn(1_000)]}
    assert summarise(turns)["peers_hold"]["express"]["holds"] is False


def judged(turns: Turns, mix: str = "styles") -> dict[str, tuple[str, bool] | None]:
    """Return what is found of the targets that such turns tell of, by what they are of."""
    results = {"mixes": {"mixes": {mix: summarise(turns)}}}
    return {
        target.what: found for target, found in findings(results) if target.benchmark == "mixes"
    }


def test_a_target_is_reached_against_a_fair_peer_only() -> None:
    ours, fair = [turn(600)], {"express": [turn(160)], "pgbench-prepared": [turn(1_000)]}
    against = "styles, one host, no cache, against Express + pg"
    assert judged({"greenlet": ours, **fair})[against] == ("3.75 x", True)
    for turns in (
        {"greenlet": ours, "express": fair["express"]},
        {"greenlet": ours, **fair, "express": [turn(140)]},
        {"greenlet": ours, **fair, "express": [turn(160, errors=1)]},
    ):
        found = judged(turns)[against]
        assert found is not None
        assert found[1] is False
        assert "express" in found[0]


def test_nothing_is_found_where_nothing_of_ours_counts() -> None:
    assert not any(judged({"express": [turn(160)], "greenlet": [turn(600, errors=1)]}).values())
    assert not any(judged({"express": [turn(0)], "greenlet": [turn(600)]}, "page").values())


@pytest.mark.parametrize(
    ("ratios", "steady"), [([0.5], False), ([0.5, 0.5, 0.51], True), ([0.3, 0.5, 0.51], False)]
)
def test_a_cache_is_warm_after_three_ratios_alike(ratios: list[float], steady: bool) -> None:
    assert is_steady(ratios) is steady
