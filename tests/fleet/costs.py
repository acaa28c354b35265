"""What a request costs each host, with two standbys, one and none.

All hosts share one machine, so requests a second would tell of the machine; what the processes of
each host use of its CPUs tells what separate machines would be busy with.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

from tests.fleet import network
from tests.fleet.rollout import PRODUCTS, ROOT, SHOP, Rollout

STYLES = [f"/products/{number}/styles" for number in range(1, PRODUCTS + 1)]
PAGES = [f"/products/{number}?include=styles,related" for number in range(1, PRODUCTS + 1)]
IDLE_SECONDS = 15
# seconds of load before what is measured: connections are open then, and the cache has answers
WARM = 5


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
    names = [host.name for role in ROLES for host in rollout.groups[role]]
    print(f"microseconds of CPU a request at {rate:g} requests/s for {seconds:g} s each; what a")
    print("host uses when nothing is asked, in the lines `idle` (ms a second), is taken off\n")
    row("standbys", "asked for", *names, "statements")
    row("---:", "---", *("---:" for _ in names), "---")
    standbys = [host.name for host in rollout.groups["standby"]]
    for count in range(len(standbys), -1, -1):
        settle(rollout, standbys[:count])
        time.sleep(WARM)
        idle = {name: used / IDLE_SECONDS for name, used in during(rollout, IDLE_SECONDS).items()}
        row(count, "idle", *(f"{idle[name] * 1e3:.1f}" for name in names), "")
        for asking in ASKED if count == len(standbys) else [UNCACHED]:
            load(rollout, asking, rate, WARM)
            databases = rollout.groups["primary"] + rollout.groups["standby"]
            before = [host.statements() for host in databases]
            began, used = time.monotonic(), cpu(rollout)
            seen = load(rollout, asking, rate, seconds)
            took, used = time.monotonic() - began, difference(used, cpu(rollout))
            shares = [
                host.statements() - earlier for host, earlier in zip(databases, before, strict=True)
            ]
            assert not seen["failed"], seen
            each = {name: (used[name] - idle[name] * took) / seen.total() * 1e6 for name in names}
            row(count, asking.what, *(f"{each[name]:.0f}" for name in names), shares)
            print(f"{asking.what}: {dict(seen)}", file=sys.stderr)
    rollout.play("site")


ROLES = ("balancer", "app", "primary", "standby")


def row(*cells: object) -> None:
    """Print a line of the table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def settle(rollout: Rollout, standbys: list[str]) -> None:
    """Have the app hosts read from these standbys alone, and the balancer not limit the client."""
    extra = {
        "fleet_standbys": standbys,
        "nginx_unlimited": [f"{network.OUTSIDE[network.WORLD]}.0/24"],
    }
    rollout.play("site", "--limit", "app:balancer", "-e", json.dumps(extra))


def during(rollout: Rollout, seconds: float) -> dict[str, float]:
    """Return the seconds of CPU that each host uses in so many seconds of time."""
    before = cpu(rollout)
    time.sleep(seconds)
    return difference(before, cpu(rollout))


def cpu(rollout: Rollout) -> dict[str, float]:
    """Return how many seconds of CPU each host has used."""
    return {host.name: host.cpu_seconds() for role in ROLES for host in rollout.groups[role]}


def difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return what came to each."""
    return {name: after[name] - before[name] for name in before}


def load(rollout: Rollout, asking: Asking, rate: float, seconds: float) -> Counter[str]:
    """Ask at a rate, from the world, and return how many answers came of what kind."""
    address = rollout.groups["balancer"][0].address
    argv = [
        *(sys.executable, "-m", "tests.fleet.paced", address, SHOP, str(rollout.authority)),
        *(str(rate), str(seconds), asking.kept, asking.cached),
    ]
    asked = subprocess.run(
        [*network.inside(network.WORLD), *argv],
        input="\n".join(asking.paths),
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    return Counter(json.loads(asked.stdout))
