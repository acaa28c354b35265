"""The floor under any service: PostgreSQL's own generator runs the service's statements."""

import math
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.draws import MIXES, PAGE_SIZE, Draw
from benchmarks.errors import BenchmarkError
from benchmarks.generators import Groups, Turn, per_request
from benchmarks.prerequisites import find_programs
from benchmarks.processes import cpu_seconds, metering
from benchmarks.programs import failed, started
from products_service.statements import Statement, read_statements

# pgbench takes any name after a colon for a variable, those in a JSON literal too.
COLON = re.compile(r"(?<!:):(?=\w)")
# Until its sessions have prepared their statements and have seen most of PostgreSQL's memory: those
# of who is compared with it have done so in a turn before.
WARM_SECONDS = 5
# What it prints then: the seconds, and transactions a second.
REPORT = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps", re.MULTILINE)


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
    """Run the statements of a mix for that long, once its sessions are warm.

    `mode` is pgbench's; `reconnect` for every transaction. It has one thread, or, since a thread
    waits while it connects, then one for each connection. `environment` has libpq's variables.
    Raises BenchmarkError.
    """
    statements = read_statements()
    threads = connections if reconnect else 1
    until = WARM_SECONDS + max(1, round(seconds))
    size = ("-c", str(connections), "-j", str(threads), "-T", str(until))
    argv = [
        *(find_programs("pgbench")["pgbench"], "--no-vacuum", "--random-seed", str(seed)),
        *("--progress", str(WARM_SECONDS), "-M", mode, *size),
        *(("--connect",) if reconnect else ()),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, weight in MIXES[mix].items():
            file = Path(folder, f"{name}.sql")
            file.write_text(script(statements[name], draw), "utf-8")
            argv += ["-f", f"{file}@{weight}"]
        printed, taken = _run_metered(argv, environment, groups)
    return read(printed, taken, connections)


def _run_metered(
    argv: Sequence[str], environment: Mapping[str, str], groups: Groups
) -> tuple[str, dict[str, float]]:
    """Run pgbench; return what it printed, and the CPU seconds from its first report on."""
    printed = ""
    taken: dict[str, float] = {}
    with started(argv, environment, subprocess.STDOUT) as process:
        while line := process.stdout.readline():
            printed += line
            if re.match(REPORT, line):
                warming = cpu_seconds([process.pid])
                with metering(groups) as taken:
                    printed += process.stdout.read()
                    process.wait()
                taken["generator"] -= warming
    if process.returncode != 0:
        raise failed(argv, process.returncode, printed)
    return printed, taken


def read(printed: str, taken: Mapping[str, float], connections: int) -> Turn:
    """Return what pgbench says of what came after its first report. Raises BenchmarkError."""
    until, rate = map(float, re.search(REPORT, printed).groups())
    everything = int(_find(r"number of transactions actually processed: (\d+)", printed))
    requests = everything - round(until * rate)
    if requests <= 0:
        raise BenchmarkError(f"pgbench was not answered:\n{printed}")
    # reports count from before it has connected, its rate from when it has
    connected = re.search(r"initial connection time = ([\d.]+) ms", printed)
    seconds = everything / float(_find(r"tps = ([\d.]+)", printed)) - until
    seconds += float(connected[1]) / 1000 if connected else 0
    return Turn(
        requests=requests,
        seconds=round(seconds, 3),
        errors=int(_find(r"number of failed transactions: (\d+)", printed)),
        latency_ms={"mean": round(connections * seconds / requests * 1000, 3)},
        cpu_us=per_request(taken, requests),
    )


def _find(pattern: str, printed: str) -> str:
    found = re.search(pattern, printed)
    if not found:
        raise BenchmarkError(f"pgbench says nothing like {pattern}:\n{printed}")
    return found[1]
