"""What a request costs the service's process, measured in a minute beside a yardstick.

The application runs in a process of its own, `python -m benchmarks.quick SECONDS`, without a
server but on the real database; ids come on standard input as a JSON array, figures leave on
standard output. So requests come one by one, and are asked for as `gthread` asks: what `greenlet`
does to answer several at once is not in it.

A machine that is slowed down slows the yardstick down as well, so it is the quotient of the two
that is compared with what was recorded. The yardstick is a request as well: to bare Flask, and a
statement that does nothing. So it has the same need of caches and the kernel as what is measured;
and a slower Flask or psycopg2 is not found by it, nor what every statement waits with
(`database/sessions.py`).
"""

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import features
from benchmarks.apart import run_apart
from benchmarks.connection import Connection
from benchmarks.errors import BenchmarkError
from products_service import create_app, later

ROUTES = {"get_product": "/products/{id}", "get_styles": "/products/{id}/styles"}
REQUESTS = 100  # in one turn
WARM = 300  # requests
# Turns vary by a few per cent on a quiet machine; less than this is no news.
TOLERANCE = 0.08


def measure(url: str, ids: Sequence[int], seconds: float) -> dict[str, Any]:
    """Return microseconds of CPU per request by statement, for ids in turn. Raises BenchmarkError.

    `relative` is how many requests of the yardstick's that is. Both are medians over all turns.
    """
    asked = json.dumps(list(ids))
    routes = run_apart("benchmarks.quick", str(seconds), asked, DATABASE_URL=url)
    return {"seconds_measured": seconds, "routes": routes}


def cost(name: str, route: Mapping[str, Any]) -> str:
    """Return in words what a route was found to cost."""
    return f"{name}: {route['microseconds']:.1f} us of CPU a request in the service's process"


def compare(found: Mapping[str, Any], recorded: Mapping[str, Any] | None) -> list[str]:
    """Return a line on each route: as it was, slower, or faster than recorded."""
    lines = []
    for name, now in found["routes"].items():
        line = cost(name, now)
        if recorded is None:
            lines.append(f"{line}; nothing is recorded to compare it with: --record does")
            continue
        before = recorded["routes"][name]
        change = now["relative"] / before["relative"] - 1
        verdict = "as recorded"
        if abs(change) > TOLERANCE:
            verdict = "SLOWER than recorded" if change > 0 else "faster than recorded"
        lines.append(
            f"{line}, {verdict} ({before['microseconds']:.1f} us, {change:+.0%} by the yardstick)"
        )
    return lines


def main() -> None:
    """Measure in this process."""
    later.install(lambda: None)  # a greenlet worker's log and counts wait
    bare = features.build(features.FEATURES["bare Flask"]).wsgi_app
    connection = Connection(os.environ["DATABASE_URL"])

    def yardstick() -> None:
        for number in range(1, REQUESTS + 1):
            b"".join(bare(features.environ(f"/products/{number}"), features.start_response))
            connection.run("do_nothing")

    ids = json.load(sys.stdin)
    seconds = float(sys.argv[1])
    application = create_app().wsgi_app
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in ROUTES}
    chance = random.Random(1)  # noqa: S311
    for path in ROUTES.values():
        ask(application, path, ids[:WARM])
    yardstick()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for name, path in ROUTES.items():
            chosen = chance.choices(ids, k=REQUESTS)
            before = cpu_of(yardstick)
            taken = cpu_of(lambda path=path, chosen=chosen: ask(application, path, chosen))
            after = cpu_of(yardstick)
            turns[name].append((taken, (before + after) / 2))
    json.dump({name: summarise(each) for name, each in turns.items()}, sys.stdout)


def summarise(turns: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return the figures of a route, of the CPU seconds that it and the yardstick took."""
    return {
        "microseconds": round(statistics.median(own for own, _ in turns) / REQUESTS * 1e6, 2),
        "relative": round(statistics.median(own / other for own, other in turns), 4),
        "turns": len(turns),
    }


def ask(application: Callable[..., Any], path: str, ids: Sequence[int]) -> None:
    """Ask for the path of each id, as a server would."""
    for id_ in ids:
        asked = features.environ(path.format(id=id_))
        b"".join(application(asked, features.start_response))
    later.do_due()


def cpu_of(work: Callable[[], None]) -> float:
    """Return the CPU seconds that this process takes for it."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(str(error))
