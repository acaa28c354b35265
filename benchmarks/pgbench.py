"""The floor under any service: PostgreSQL's own generator runs the service's statements."""

import math
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.catalogue import BenchmarkError
from benchmarks.draws import MIXES, PAGE_SIZE, Draw
from benchmarks.generators import Groups, Turn, per_request
from benchmarks.prerequisites import find_programs
from benchmarks.processes import metering
from benchmarks.workshop import failed
from products_service.statements import Statement, read_statements

# pgbench takes any name after a colon for a variable, those in a JSON literal too.
COLON = re.compile(r"(?<!:):(?=\w)")


def script(statement: Statement, draw: Draw) -> str:
    """Return the statement for pgbench, with ids at random.

    Between the least id and the greatest: pgbench cannot draw from a list.
    """
    largest = {
        "product_id": (min(draw.ids), max(draw.ids)),
        "page": (1, math.ceil(len(draw.ids) / PAGE_SIZE)),
        "count": (PAGE_SIZE, PAGE_SIZE),
    }
    lines = [
        f"\\set {name} random({largest[name][0]}, {largest[name][1]})"
        for name, _ in statement.parameters
    ]
    sql = COLON.sub(": ", statement.sql)
    for number, (name, _) in enumerate(statement.parameters, 1):
        sql = sql.replace(f"${number}", f":{name}")
    return "\n".join([*lines, f"{sql.rstrip()};"]) + "\n"


def run_mix(
    draw: Draw,
    mix: str,
    mode: str,
    seconds: float,
    connections: int,
    seed: int,
    environment: Mapping[str, str],
    groups: Groups,
    *,
    reconnect: bool = False,
) -> Turn:
    """Run the statements of a mix for that long, in one thread.

    `mode` is pgbench's; `reconnect` for every transaction. `environment` has libpq's variables.
    Raises BenchmarkError.
    """
    statements = read_statements()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, weight in MIXES[mix].items():
            file = Path(folder, f"{name}.sql")
            file.write_text(script(statements[name], draw), "utf-8")
            files += ["-f", f"{file}@{weight}"]
        argv = [
            *(find_programs("pgbench")["pgbench"], "--no-vacuum", "--random-seed", str(seed)),
            *("-M", mode, "-c", str(connections), "-j", "1", "-T", str(max(1, round(seconds)))),
            *(("--connect",) if reconnect else ()),
            *files,
        ]
        with metering(groups) as taken:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env=dict(environment),
                check=False,
            )
    if done.returncode != 0:
        raise failed(argv, done.returncode, done.stdout + done.stderr)
    return _read(done.stdout, taken)


def _read(printed: str, taken: Mapping[str, float]) -> Turn:
    requests = int(_find(r"number of transactions actually processed: (\d+)", printed))
    if requests == 0:
        raise BenchmarkError(f"pgbench was not answered:\n{printed}")
    return Turn(
        requests=requests,
        seconds=round(requests / float(_find(r"tps = ([\d.]+)", printed)), 3),
        errors=int(_find(r"number of failed transactions: (\d+)", printed)),
        latency_ms={"mean": float(_find(r"latency average = ([\d.]+) ms", printed))},
        cpu_us=per_request(taken, requests),
    )


def _find(pattern: str, printed: str) -> str:
    found = re.search(pattern, printed)
    if not found:
        raise BenchmarkError(f"pgbench says nothing like {pattern}:\n{printed}")
    return found[1]
