"""`flask bench growth` measures by products, workers and connections."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.bench import PRODUCTS, loaded, result, run
from tests.conftest import Database


@pytest.mark.slow
def test_growth(clone: Callable[[], Database], tmp_path: Path) -> None:
    database = loaded(clone(), tmp_path)
    output = tmp_path / "results"
    short = ("--worker-class", "greenlet", "--rounds", "1", "--seconds", "1", "--products", "50")
    done = run(database, "growth", *short, "--output", output)
    found = result(output, "growth")
    assert [each["products"] for each in found["by_products"]] == [50, PRODUCTS]
    assert list(found["by_workers"]) == ["1", "2", "4", "8"]
    assert list(found["by_connections"]) == [str(2**power) for power in range(9)]
    for figures in (*found["by_products"], *found["by_workers"].values()):
        assert figures["per_second"] > 0
        assert figures["cpu_us"]["app"] > 10
    memory = found["memory_bytes"]
    assert 2e6 < memory["a_worker"] < 100e6
    assert 0 < memory["a_connection"] < 1e6
    assert all(0 < seconds < 60 for seconds in found["start_seconds_by_workers"].values())
    assert found["pages_of_the_list"]["ratios"]["first"]["last"]["per_second"] > 0
    assert "a worker takes" in done.stdout
