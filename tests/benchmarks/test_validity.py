"""Figures count only if everybody was answered, and peers only if they are near the floor."""

import pytest

from benchmarks.contest import is_valid, summarise
from benchmarks.generators import Turn


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
