"""Half of what a fleet can answer, for a long time: nothing fails, and nothing grows.

`python -m tests.system.soak` prints a line a minute and a report; SOAK_MINUTES says how many
(20 if unset). The exit status is 1 if a promise was broken.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.conftest import Database, migrated
from tests.servers import throwaway
from tests.system.chaos import LONGEST, PRODUCTS, fill
from tests.system.fleet import Fleet, cluster
from tests.system.load import TAIL, Load, find_capacity, load
from tests.system.resources import MEGABYTE, Taken, take_stock

MINUTES = int(os.environ.get("SOAK_MINUTES") or 20)
SLICE = 60.0  # seconds
# From the first minute to the last. Memory that is freed late is no leak; nginx keeps a list of
# what it has, in 16 MB, and a connection more or less of each kind is open.
GROWTH = 0.05
LIST = 20 * MEGABYTE
CONNECTIONS = 32


def main() -> None:
    with throwaway() as server, tempfile.TemporaryDirectory() as folder:
        database = migrated(server)
        fill(database, Path(folder))
        # the one that comes with what the tests take, on any machine
        with cluster(database, program="wheel") as fleet:
            broken = soak(fleet, database)
    sys.exit(1 if broken else 0)


def soak(fleet: Fleet, database: Database) -> list[str]:
    """Run the load minute by minute; return which promises were broken."""
    most = find_capacity(fleet.port, PRODUCTS)
    rate = round(most / 2)
    say(f"capacity {most:.0f}/s; {rate}/s for {MINUTES} minutes")
    stocks, answered, failed, slowest = [], 0, 0, 0.0
    for minute in range(1, MINUTES + 1):
        with load(fleet.port, PRODUCTS, rate=rate) as run:
            time.sleep(SLICE - TAIL)
        stocks.append(take_stock(fleet, database))
        answered += len(run.answers)
        failed += len(run.failures)
        slowest = max(slowest, run.longest)
        say(f"minute {minute}: {describe(run)}; {stocks[-1]}")
    say(f"{answered} answers, {failed} of them failures, the slowest took {slowest:.3f} s")
    say(f"first minute: {stocks[0]}")
    say(f"last minute:  {stocks[-1]}")
    broken = find_growth(stocks[0], stocks[-1])
    if failed:
        broken.append(f"{failed} requests failed")
    if slowest > LONGEST:
        broken.append(f"an answer took {slowest:.3f} s")
    say("; ".join(broken) or "nothing failed, nothing grew")
    return broken


def describe(run: Load) -> str:
    failures = Counter(answer.status for answer in run.failures)
    return (
        f"{len(run.answers)} answers, failures {dict(failures)}, half in "
        f"{run.percentile(0.5) * 1000:.1f} ms, 99 % in {run.percentile(0.99) * 1000:.1f} ms"
    )


def find_growth(first: Taken, last: Taken) -> list[str]:
    """Return what has grown more than it may."""
    limits = {
        "the hosts' memory": (last.hosts, first.hosts * (1 + GROWTH)),
        "nginx's memory": (last.balancer, first.balancer + LIST),
        "descriptors": (last.descriptors, first.descriptors + CONNECTIONS),
        "database sessions": (last.sessions, first.sessions),
    }
    return [f"{what} grew: {now:.0f}" for what, (now, limit) in limits.items() if now > limit]


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
