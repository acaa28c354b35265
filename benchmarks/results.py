"""What a benchmark leaves: a JSON file of what was measured, on what, and by which command."""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.alone import locked
from benchmarks.errors import BenchmarkError
from benchmarks.machine import describe_machine, find_commit
from benchmarks.prerequisites import describe_programs
from benchmarks.processes import stolen_seconds

FOLDER = Path("benchmarks/results")
LOCK = Path("build/bench/lock")


def record(
    name: str, arguments: str, output: Path, measure: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Measure, write {name}.json into `output`, and return what was written.

    `arguments` are those of `flask bench {name}` that would do the same. Raises OSError, and what
    `measure` raises.
    """
    output.mkdir(parents=True, exist_ok=True)
    # of what is measured: it may be another one by the end, which writes into the checkout too
    commit = find_commit()
    started = datetime.now(UTC)
    measured, seconds, stolen = timed(measure)
    result = {
        "benchmark": name,
        "command": f"flask bench {name} {arguments}".strip(),
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "commit": commit,
        "machine": describe_machine(),
        "programs": describe_programs(),
        "stolen": round(stolen, 4),
        **measured,
    }
    write(output / f"{name}.json", json.dumps(result, indent=1) + "\n")
    return result


def timed(measure: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float, float]:
    """Measure, and return what was measured, the seconds that it took, and the share stolen.

    That is, of the time of all cores, ours or not, what a hypervisor kept from them. Raises
    BenchmarkError if another one measures in this folder, and what `measure` raises.
    """
    with locked(LOCK):
        clock, stolen = time.monotonic(), stolen_seconds()
        measured = measure()
        seconds, stolen = time.monotonic() - clock, stolen_seconds() - stolen
    return measured, seconds, stolen / (seconds * (os.cpu_count() or 1))


def write(file: Path, text: str) -> None:
    """Replace a result by another as a whole; where that fails, what was measured is printed.

    Raises BenchmarkError.
    """
    new = file.with_suffix(".new")
    try:
        new.write_text(text, "utf-8")
        new.replace(file)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        sys.stdout.write(text)
        raise BenchmarkError(
            f"{file} could not be written: {error.strerror}; it is as it was, and what was "
            "measured is printed above"
        ) from None


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Return every result that is there, by its benchmark. Raises OSError, BenchmarkError."""
    found = [read_result(file) for file in sorted(folder.glob("*.json"))]
    return {result["benchmark"]: result for result in found}


def read_result(file: Path) -> dict[str, Any]:
    """Return a result. Raises OSError, BenchmarkError."""
    try:
        result = json.loads(file.read_text("utf-8"))
    except ValueError:
        result = None
    if not isinstance(result, dict) or "benchmark" not in result:
        raise BenchmarkError(f"{file} is no result of a benchmark, or not all of one")
    return result
