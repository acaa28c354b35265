"""What a request costs each host, with two standbys, one and none.

All hosts share one machine, so requests a second would tell of the machine; what the processes of
each host use of its CPUs tells what separate machines would be busy with. A yardstick of plain
Python runs beside them: how much longer it took than on a fast day says how slow the machine was.
"""

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.quick import cpu_of
from tests.fleet import network, paced
from tests.fleet.hosts import Host
from tests.fleet.rollout import PRODUCTS, ROOT, SHOP, Rollout

STYLES = [f"/products/{number}/styles" for number in range(1, PRODUCTS + 1)]
PAGES = [f"/products/{number}?include=styles,related" for number in range(1, PRODUCTS + 1)]
ROLES = ("balancer", "app", "primary", "standby")
IDLE_SECONDS = 10
# between two looks at how slow the machine is
PAUSE = 0.25  # seconds
YARDSTICK = 500  # times that its work is done between them
FAST_DAY = 4.2e-6  # seconds of CPU each time, on the fast day of docs/deploy.md
# seconds of load before what is measured: connections are open then, the cache has answers, and
# what a login leaves running on a host has ended
WARM = 12


@dataclass(frozen=True)
class Asking:
    """What is asked for, and how."""

    what: str
    paths: list[str]
    kept: str = "kept"
    cached: str = "uncached"


UNCACHED = Asking("styles, uncached", STYLES)
ASKED = [
    UNCACHED,
    Asking("product pages, uncached", PAGES),
    Asking("styles, from the cache", STYLES, cached="cached"),
    Asking("the same, a new connection each", STYLES, "new", "cached"),
]


def measure(rollout: Rollout, rate: float, seconds: float) -> None:
    """Print a table: microseconds of CPU a request, by host."""
    everyone = [host for role in ROLES for host in rollout.groups[role]]
    standbys = rollout.groups["standby"]
    databases = rollout.groups["primary"] + standbys
    print(f"microseconds of CPU a request at {rate:g} requests/s for {seconds:g} s each; what a")
    print("host uses when nothing is asked, in the lines `idle` (ms a second), is taken off\n")
    names = [host.name for host in everyone]
    row("standbys", "asked for", *names, "machine slower", "statements of each database")
    row("---:", "---", *("---:" for _ in [*names, "slower"]), "---")
    for count in range(len(standbys), -1, -1):
        serving = [host for host in databases if host not in standbys[count:]]
        with addresses(), stopped(standbys[count:]):
            load(rollout, UNCACHED, rate, WARM)
            idle = [used / IDLE_SECONDS for used in during(everyone, IDLE_SECONDS)]
            row(count, "idle", *(f"{used * 1e3:.1f}" for used in idle), "", "")
            for asking in ASKED if count == len(standbys) else [UNCACHED]:
                before = [host.statements() for host in serving]
                load(rollout, asking, rate, WARM)
                began, used = time.monotonic(), cpu(everyone)
                seen, slower = load(rollout, asking, rate, seconds)
                took, used = time.monotonic() - began, difference(used, cpu(everyone))
                statements = difference(before, [host.statements() for host in serving])
                assert not seen["failed"], seen
                each = [
                    (busy - resting * took) / seen.total() * 1e6
                    for busy, resting in zip(used, idle, strict=True)
                ]
                shares = ", ".join(
                    f"{host.name} {share}" for host, share in zip(serving, statements, strict=True)
                )
                row(
                    count,
                    asking.what,
                    *(f"{share:.0f}" for share in each),
                    f"{slower:.1f} x",
                    shares,
                )
                print(f"{asking.what}: {dict(seen)}", file=sys.stderr, flush=True)


def row(*cells: object) -> None:
    """Print a line of the table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)


@contextmanager
def stopped(standbys: list[Host]) -> Iterator[None]:
    """Have no standby but the others answer while the block runs."""
    try:
        for host in standbys:
            host.run("systemctl stop postgresql@15-main")
        yield
    finally:
        for host in standbys:
            host.run("systemctl start postgresql@15-main")


@contextmanager
def addresses() -> Iterator[None]:
    """Have the world as many addresses as there are clients: each may ask only so often."""
    listed = [f"{address}/24 dev eth0" for address in paced.ADDRESSES]
    network.ip(*(f"address add {each}" for each in listed), namespace=network.WORLD)
    try:
        yield
    finally:
        network.ip(*(f"address delete {each}" for each in listed), namespace=network.WORLD)


def during(everyone: list[Host], seconds: float) -> list[float]:
    """Return the seconds of CPU that each host uses in so many seconds of time."""
    before = cpu(everyone)
    time.sleep(seconds)
    return difference(before, cpu(everyone))


def cpu(everyone: list[Host]) -> list[float]:
    """Return how many seconds of CPU each host has used."""
    return [host.cpu_seconds() for host in everyone]


def difference(before: list[float], after: list[float]) -> list[float]:
    """Return what came to each."""
    return [later - earlier for earlier, later in zip(before, after, strict=True)]


def load(
    rollout: Rollout, asking: Asking, rate: float, seconds: float
) -> tuple[Counter[str], float]:
    """Ask at a rate, from the world.

    Returns how many answers came of what kind, and how slow the machine was.
    """
    address = rollout.groups["balancer"][0].address
    argv = [
        *(sys.executable, "-m", "tests.fleet.paced", address, SHOP, str(rollout.authority)),
        *(str(rate), str(seconds), asking.kept, asking.cached),
    ]
    times = []
    with subprocess.Popen(
        [*network.inside(network.WORLD), *argv],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdin.write("\n".join(asking.paths))
        process.stdin.close()
        while process.poll() is None:
            times.append(cpu_of(yardstick) / YARDSTICK)
            time.sleep(PAUSE)
        seen = Counter(json.load(process.stdout))
    return seen, statistics.median(times) / FAST_DAY


def yardstick() -> None:
    """Do work of the kind that a request is made of."""
    for number in range(YARDSTICK):
        row = {"id": number, "path": f"/products/{number}", "tags": ["a", "b"] * 8}
        text = json.dumps(row)
        json.loads(text)["tags"].sort()
        text.encode().split(b",")
