"""The service while something goes on: readers who ask at a steady pace, and how long they wait."""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.contestants import service_program
from benchmarks.percentiles import percentile
from benchmarks.servers import HOST, PATIENCE, free_port, running
from benchmarks.subject import urls_of
from benchmarks.workshop import Workshop
from products_service.config import load_settings

PER_SECOND = 50  # requests of all readers together
SEED = 1


@dataclass(frozen=True)
class Request:
    """A request and its answer; `milliseconds` are from when it was due to the last byte."""

    due: float  # on time.monotonic()'s clock
    milliseconds: float
    problem: str | None  # a status that is not 200, or what broke


@dataclass
class Readers:
    """So many connections that ask for products and styles in turn, at PER_SECOND together."""

    port: int
    connections: int
    ids: Sequence[int]
    requests: list[Request] = field(default_factory=list)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Ask as long as the block lasts."""
        done = threading.Event()
        started = time.monotonic()
        threads = [
            threading.Thread(target=self._read, args=(number, started, done))
            for number in range(self.connections)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _read(self, number: int, started: float, done: threading.Event) -> None:
        draw = random.Random(f"{SEED} {number}")  # noqa: S311
        due = started + number / PER_SECOND
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)) as connection:
            while not done.wait(max(0, due - time.monotonic())):
                path = f"/products/{draw.choice(self.ids)}{draw.choice(('', '/styles'))}"
                problem = _ask(connection, path)
                milliseconds = (time.monotonic() - due) * 1000
                self.requests.append(Request(due, milliseconds, problem))
                due += self.connections / PER_SECOND

    def figures(self, windows: Sequence[tuple[float, float]]) -> dict[str, Any]:
        """Return what the requests took that were due in one of the spans of time."""
        chosen = [
            request
            for request in self.requests
            if any(begin <= request.due < end for begin, end in windows)
        ]
        times = sorted(request.milliseconds for request in chosen)
        problems = Counter(request.problem for request in chosen if request.problem)
        return {
            "requests": len(chosen),
            "errors": problems.total(),
            "problems": dict(problems),
            **{
                f"{name}_ms": round(percentile(times, share), 2) if times else None
                for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1))
            },
        }


def _ask(connection: http.client.HTTPConnection, path: str) -> str | None:
    """Ask, read all of the answer, and return what was wrong with it, if anything."""
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__
    return None if answer.status == 200 else str(answer.status)


@contextmanager
def serving(workshop: Workshop) -> Iterator[int]:
    """Run gunicorn as it is shipped on the workshop's database and yield its port.

    Raises BenchmarkError if it does not come up.
    """
    port = free_port()
    url = urls_of(load_settings({"DEVDB_DIR": str(workshop.devdb)}))["app"]
    with running(service_program(url, port, "readers", {}), port, "/ready") as server:
        yield server.port
