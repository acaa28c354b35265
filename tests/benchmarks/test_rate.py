"""`flask bench rate` asks the fleet at fixed rates; p99 counts from when requests were due."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import rate
from benchmarks.alone import locked
from benchmarks.fleet import LOCK, PREFIX, clear_killed
from benchmarks.generators import Turn
from tests.benchmarks.bench import loaded, result, run
from tests.conftest import Database


def turn(rate: float, *, errors: int = 0, slow: float = 5, late: float = 1) -> Turn:
    return Turn(
        *(round(rate * 10), 10.0, errors),
        latency_ms={"p50": 1, "p99.5": slow},
        cpu_us={},
        late_ms={"p99.5": late},
    )


class Machine:
    """Holds rates up to a limit, in one of the ways to fail beyond it."""

    def __init__(self, limit: float, **beyond: Any) -> None:
        self.limit, self.beyond = limit, beyond
        self.asked: list[float] = []

    def warm(self, rate: float, least: float) -> dict[str, Any]:
        return {"warming": [0.9] * 3, "steady": True, "warming_errors": 0}

    def ask(self, rate: float, seconds: float) -> Turn:
        self.asked.append(rate)
        return turn(rate) if rate <= self.limit else turn(**{"rate": rate} | self.beyond)


@pytest.mark.parametrize(
    "beyond",
    [{"errors": 1}, {"slow": 66}, {"slow": 40, "late": 30}, {"rate": 400}],
    ids=["an error", "slow answers", "late requests", "fewer answers"],
)
@pytest.mark.parametrize(
    ("limit", "found"), [(700, 500), (7_000, 7_000), (9_800, 9_500), (90_000, 64_000)]
)
def test_finds_the_highest_rate(limit: float, found: int, beyond: dict[str, float]) -> None:
    machine = Machine(limit, **beyond)
    assert rate.find_highest(machine, 10, 0)["rate"] == found
    refused = [each for each in machine.asked if each > limit]
    # each had its second try
    assert sorted(refused)[::2] == sorted(refused)[1::2]


def test_what_a_killed_run_left_in_memory_is_removed(tmp_path: Path) -> None:
    killed, running, other = (tmp_path / f"{PREFIX}1", tmp_path / f"{PREFIX}2", tmp_path / "3")
    for folder in (killed, running, other):
        folder.mkdir()
        (folder / "access.log").touch()
    with locked(running / LOCK):
        clear_killed(tmp_path)
    assert sorted(tmp_path.iterdir()) == [other, running]


@pytest.mark.slow
def test_rates_of_the_fleet(clone: Callable[[], Database], tmp_path: Path) -> None:
    database = loaded(clone(), tmp_path)
    output = tmp_path / "results"
    short = ("--worker-class", "greenlet", "--rounds", "1", "--seconds", "1", "--warm", "1")
    done = run(database, "rate", *short, "--output", output)
    found = result(output, "rate")
    assert [(each["hosts"], each["rate"]) for each in found["constant"]] == [
        *((4, 800), (4, 900), (5, 800), (5, 900))
    ]
    for each in [*found["constant"], *found["highest"]["tried"]]:
        assert each["requests"] > 0
        assert {"nginx", "app", "postgres", "generator"} == each["cpu_us"].keys()
        # 300 products are soon all in the cache
        assert each["warming"][-1] > 0.3
    assert all(each["hits"] > 0.3 for each in found["constant"])
    assert all(each["late_ms"]["p50"] >= 0 for each in found["highest"]["tried"])
    for generator in ("k6", "wrk"):
        users = found["users"][generator]
        assert users["ratios"]["express"]["greenlet"]["per_second"] > 0
        assert users["contestants"]["express"]["turns"][0]["requests"] > 0
    assert found["users"]["wrk"]["peers_hold"].keys() == {"express"}
    assert "highest rate held" in done.stdout
    assert all(isinstance(each["in_memory"], bool) for each in found["constant"])
