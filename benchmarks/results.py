"""What a benchmark leaves: a JSON file of what was measured, on what, and by which command."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine, find_commit
from benchmarks.prerequisites import describe_programs
from benchmarks.processes import stolen_seconds

FOLDER = Path("benchmarks/results")


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
    clock, stolen = time.monotonic(), stolen_seconds()
    measured = measure()
    seconds, stolen = time.monotonic() - clock, stolen_seconds() - stolen
    result = {
        "benchmark": name,
        "command": f"flask bench {name} {arguments}".strip(),
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "commit": commit,
        "machine": describe_machine(),
        "programs": describe_programs(),
        # of the time of all cores, ours or not, what a hypervisor kept from them
        "stolen": round(stolen / (seconds * (os.cpu_count() or 1)), 4),
        **measured,
    }
    (output / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return result


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Return every result that is there, by its benchmark. Raises OSError, ValueError."""
    found = (json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json")))
    return {result["benchmark"]: result for result in found}
