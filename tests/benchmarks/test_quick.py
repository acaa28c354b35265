"""`flask bench quick` compares a request's CPU with what was recorded, and never fails for it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import quick
from benchmarks.errors import BenchmarkError
from tests.benchmarks.bench import loaded, result, run, unhurried
from tests.conftest import Database


def test_quick_records_and_compares(clone: Callable[[], Database], tmp_path: Path) -> None:
    database = loaded(clone(), tmp_path)
    output = tmp_path / "results"
    patience = unhurried(tmp_path)
    short = ("quick", "--seconds", "1", "--output", output)
    assert "nothing is recorded" in run(database, *short, **patience).stdout
    assert not output.exists()

    assert "nothing is recorded" in run(database, *short, "--record", **patience).stdout
    recorded = result(output, "quick")
    for figures in recorded["routes"].values():
        assert figures["microseconds"] > 10
        assert figures["turns"] > 0

    for factor, verdict in ((0.2, "SLOWER"), (5, "faster")):
        for figures in recorded["routes"].values():
            figures["relative"] *= factor
        (output / "quick.json").write_text(json.dumps(recorded), "utf-8")
        said = run(database, *short, **patience).stdout
        assert said.count(f"{verdict} than recorded") == 2
        for figures in recorded["routes"].values():
            figures["relative"] /= factor

    recorded["machine"]["cpu"] = "another"
    (output / "quick.json").write_text(json.dumps(recorded), "utf-8")
    assert "of another machine" in run(database, *short, **patience).stdout
    recorded["digest"] = "another"
    (output / "quick.json").write_text(json.dumps(recorded), "utf-8")
    assert "of another catalogue" in run(database, *short, **patience).stdout


def test_what_is_not_answered_is_not_measured(shared_database: Database) -> None:
    with pytest.raises(BenchmarkError, match="the service answers 404 ") as raised:
        quick.measure(shared_database.app, [2**31 - 1], 1)
    assert "Traceback" not in str(raised.value)
