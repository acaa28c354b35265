"""What a request costs the service's process, measured in a minute beside a yardstick.

The application runs in a process of its own, `python -m benchmarks.quick SECONDS`, without a
server but on the real database; ids come on standard input as a JSON array, figures leave on
standard output. A machine that is slowed down slows the yardstick down as well, so it is the
quotient of the two that is compared with what was recorded.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.catalogue import BenchmarkError
from benchmarks.servers import plain_environment
from benchmarks.workshop import failed

ROUTES = {"get_product": "/products/{id}", "get_styles": "/products/{id}/styles"}
REQUESTS = 100  # in one turn
YARDSTICK = 500  # lots of work in one turn
WARM = 300  # requests
# Turns vary by a few per cent on a quiet machine; less than this is no news.
TOLERANCE = 0.08


def measure(url: str, ids: Sequence[int], seconds: float) -> dict[str, Any]:
    """Return microseconds of CPU per request by statement, for ids in turn. Raises BenchmarkError.

    `relative` is how many lots of the yardstick's work that is.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = plain_environment() | {
            "DATABASE_URL": url,
            # as under gunicorn
            "PROMETHEUS_MULTIPROC_DIR": folder,
        }
        log = Path(folder, "log")
        argv = [sys.executable, "-m", "benchmarks.quick", str(seconds)]
        with log.open("wb") as stream:
            done = subprocess.run(
                argv,
                input=json.dumps(list(ids)),
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env=environment,
                check=False,
            )
        if done.returncode != 0:
            raise failed(argv, done.returncode, log.read_text("utf-8", "replace"))
    return {"seconds_measured": seconds, "routes": json.loads(done.stdout)}


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
    from products_service import create_app, later

    later.install(lambda: None)  # a greenlet worker's log and counts wait
    ids = json.load(sys.stdin)
    seconds = float(sys.argv[1])
    application = create_app().wsgi_app
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in ROUTES}
    chance = random.Random(1)  # noqa: S311
    for path in ROUTES.values():
        ask(application, path, ids[:WARM])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for name, path in ROUTES.items():
            chosen = chance.choices(ids, k=REQUESTS)
            before = cpu_of(yardstick)
            taken = cpu_of(lambda path=path, chosen=chosen: ask(application, path, chosen))
            after = cpu_of(yardstick)
            turns[name].append((taken / REQUESTS, (before + after) / 2 / YARDSTICK))
    json.dump(
        {
            name: {
                "microseconds": round(calm(own for own, _ in each) * 1e6, 2),
                "relative": round(calm(own / lot for own, lot in each), 4),
                "turns": len(each),
            }
            for name, each in turns.items()
        },
        sys.stdout,
    )


def ask(application: Callable[..., Any], path: str, ids: Sequence[int]) -> None:
    """Ask for the path of each id, as a server would."""
    from benchmarks.features import environ, start_response
    from products_service import later

    for id_ in ids:
        asked = environ(id_) | {"PATH_INFO": path.format(id=id_)}
        body = application(asked, start_response)
        b"".join(body)
    later.do_due()


def calm(figures: Iterable[float]) -> float:
    """Return what a quarter of the figures are below: other programs mostly add to them."""
    ordered = sorted(figures)
    return ordered[len(ordered) // 4]


def yardstick() -> None:
    """Do lots of work of the kind that a request is made of."""
    for number in range(YARDSTICK):
        row = {"id": number, "path": f"/products/{number}", "tags": ["a", "b"] * 8}
        text = json.dumps(row)
        json.loads(text)["tags"].sort()
        text.encode().split(b",")


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
