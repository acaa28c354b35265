"""Turns as contestants have them, made up."""

from benchmarks.generators import Turn


def turn(per_second: float, p99: float = 10, errors: int = 0, busy: float = 1) -> Turn:
    latency = {"p50": 1.0, "p99": p99}
    return Turn(round(per_second), 1.0, errors, latency, {"app": 100.0}, busy=busy)
