"""What a load takes: time against the floor in turn, memory, and how readers fare meanwhile."""

import json
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.connection import Connection, describe_server
from benchmarks.draws import sample_ids
from benchmarks.load_floor import Floor, lay_floor
from benchmarks.memory import Peak, watching
from benchmarks.programs import failed, started
from benchmarks.readers import PER_SECOND, Readers, serving
from benchmarks.steps import step
from benchmarks.workshop import Workshop

WARM_UP = 2.0  # seconds of reading that are not counted: connections are opened
CALM = 5.0  # seconds of reading before the first load
SETTLING = 0.5  # seconds after a load that still count as its publication
SAMPLE = 1_000  # products that are read
LOADS = 2  # under readers: enough for percentiles of thousands of requests


@dataclass(frozen=True)
class Loaded:
    """A load that was run: `began`, `publishing` and `ended` are on time.monotonic()'s clock."""

    began: float
    publishing: float
    ended: float
    peak: Peak
    account: dict[str, Any]  # what it printed

    @property
    def seconds(self) -> float:
        """From the start of the program to its end."""
        return self.ended - self.began


def measure(workshop: Workshop, products: int, rounds: int, readers: int) -> dict[str, Any]:
    """Generate a catalogue, load it over and over, and return all results.

    `readers` is how many connections read during further loads, after the rounds; 0: none do.
    Raises BenchmarkError, DatabaseError.
    """
    files = workshop.folder / "files"
    with step(f"generating {products:,} products"):
        size = ("--products", str(products))
        workshop.run(workshop.flask("etl", "generate", files, *size, "--dirty", "--quiet"))
    workshop.run(workshop.flask("db", "upgrade"))
    with closing(Connection(workshop.url)) as connection:
        with step("a first load, which does not count"):
            first = run_load(workshop, files)
        with step("writing the floor's files"):
            floor = lay_floor(workshop, connection)
        rows = {Path(name).stem: each["loaded"] for name, each in first.account["files"].items()}
        measured = [
            _measure_round(workshop, connection, floor, files, rows, number)
            for number in range(1, rounds + 1)
        ]
        return {
            "postgresql": describe_server(workshop.url),
            "products": products,
            "rows": first.account["totals"]["read"],
            "bytes": sum(file.stat().st_size for file in files.iterdir()),
            "rejected": first.account["totals"]["rejected"],
            "repaired": first.account["totals"]["repaired"],
            "rounds": measured,
            "ratio": round(statistics.median(each["ratio"] for each in measured), 3),
            "readers": _measure_readers(workshop, connection, files, min(rounds, LOADS), readers),
        }


def run_load(workshop: Workshop, files: Path) -> Loaded:
    """Run `flask etl load` to its end. Raises BenchmarkError unless it publishes."""
    argv = workshop.flask("etl", "load", files, "--json", "--report", workshop.folder)
    began = publishing = time.monotonic()
    with started(argv, workshop.environment) as process, watching(process.pid) as peak:
        said = []
        for line in process.stderr:
            said.append(line)
            if line == "publishing\n":
                publishing = time.monotonic()
        printed = process.stdout.read()
        process.wait()
    ended = time.monotonic()
    if process.returncode != 0:
        raise failed(argv, process.returncode, "".join(said))
    return Loaded(began, publishing, ended, peak, json.loads(printed))


def _measure_round(
    workshop: Workshop,
    connection: Connection,
    floor: Floor,
    files: Path,
    rows: dict[str, int],
    number: int,
) -> dict[str, Any]:
    """Load, and lay the floor, which is first in every other round.

    `rows` is how many each table has. Raises BenchmarkError, DatabaseError.
    """

    def time_load() -> Loaded:
        connection.run("checkpoint")
        with step(f"round {number}, load"):
            return run_load(workshop, files)

    def time_floor() -> dict[str, float]:
        connection.run("checkpoint")
        with step(f"round {number}, floor"):
            steps = floor.run()
        floor.check(rows)
        floor.drop()
        return steps

    if number % 2:
        load, steps = time_load(), time_floor()
    else:
        steps, load = time_floor(), time_load()
    seconds = sum(steps.values())
    return {
        "load": {
            "seconds": round(load.seconds, 2),
            "steps": load.account["steps"],
            "peak_pss_bytes": load.peak.proportional,
            "peak_rss_bytes": load.peak.resident,
        },
        "floor": {
            "seconds": round(seconds, 2),
            "steps": {name: round(each, 3) for name, each in steps.items()},
        },
        "ratio": round(load.seconds / seconds, 3),
    }


def _measure_readers(
    workshop: Workshop, connection: Connection, files: Path, loads: int, connections: int
) -> dict[str, Any] | None:
    """Return how long readers wait before, while and when a load is published."""
    if not connections:
        return None
    with serving(workshop) as port:
        readers = Readers(port, connections, sample_ids(connection, SAMPLE))
        with readers.reading():
            time.sleep(WARM_UP)
            began = time.monotonic()
            time.sleep(CALM)
            done = []
            for number in range(loads):
                with step(f"load {number + 1} under readers"):
                    done.append(run_load(workshop, files))
                time.sleep(SETTLING)
    return {
        "connections": connections,
        "requests_per_second": PER_SECOND,
        "loads": loads,
        "load_seconds": [round(load.seconds, 2) for load in done],
        "before": readers.figures([(began, began + CALM)]),
        "loading": readers.figures([(load.began, load.publishing) for load in done]),
        "publishing": readers.figures([(load.publishing, load.ended + SETTLING) for load in done]),
    }
