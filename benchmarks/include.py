"""A product page in one request, `include=styles,related`, against the requests it replaces."""

import json
import random
import socket
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from benchmarks.contest import summarise, take_turns
from benchmarks.contestants import host
from benchmarks.errors import BenchmarkError
from benchmarks.generators import Turn, per_request
from benchmarks.percentiles import percentile
from benchmarks.processes import metering
from benchmarks.servers import HOST, PATIENCE
from benchmarks.subject import Subject
from benchmarks.turns import HttpContestant, Load

CONNECTIONS = 6  # that a browser opens to a host


class Browser:
    """Asks for paths as a browser does: over several kept connections, one at a time on each."""

    def __init__(self, port: int, stack: ExitStack):
        self.requests = 0
        self.bytes = 0
        self._connections = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection((HOST, port), PATIENCE))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = stack.enter_context(closing(connection.makefile("rb")))
            self._connections.append((connection, answers))

    def ask(self, paths: Sequence[str]) -> list[bytes]:
        """Return the bodies of the paths' answers. Raises BenchmarkError, OSError."""
        bodies = []
        waiting: deque[tuple[str, Any]] = deque()
        for number, path in enumerate(paths):
            if len(waiting) == CONNECTIONS:
                bodies.append(self._read(*waiting.popleft()))
            connection, answers = self._connections[number % CONNECTIONS]
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            waiting.append((path, answers))
        return bodies + [self._read(*each) for each in waiting]

    def _read(self, path: str, answers: Any) -> bytes:
        status = answers.readline()
        if b" 200 " not in status:
            raise BenchmarkError(f"GET {path} was answered {status!r}")
        length = 0
        while (line := answers.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = answers.read(length)
        self.requests += 1
        self.bytes += length
        return body


def show_together(browser: Browser, product_id: int) -> None:
    """Ask for all that the page of a product shows."""
    browser.ask([f"/products/{product_id}?include=styles,related"])


def show_separately(browser: Browser, product_id: int) -> None:
    """Ask for the same: the product, its styles, and what cards of its related products show."""
    path = f"/products/{product_id}"
    *_, related = browser.ask([path, f"{path}/styles", f"{path}/related"])
    cards = [f"/products/{id_}" for id_ in dict.fromkeys(json.loads(related))]
    browser.ask([asked for card in cards for asked in (card, f"{card}/styles")])


WAYS = {"together": show_together, "separately": show_separately}


@dataclass
class Pages:
    """A host that is asked for product pages in one of these ways, page after page.

    `pages`, `requests` and `bytes` are those of all its turns.
    """

    host: HttpContestant
    ids: Sequence[int]
    show: Callable[[Browser, int], None]
    pages: int = 0
    requests: int = 0
    bytes: int = 0

    def take(self, load: Load, seconds: float) -> Turn:
        """Be asked for that long; figures are those of a page. Raises BenchmarkError, OSError."""
        chance = random.Random(load.seed)  # noqa: S311
        times: list[float] = []
        with ExitStack() as stack:
            browser = Browser(self.host.server.port, stack)
            with metering(self.host.groups) as taken:
                began, own = time.perf_counter(), time.process_time()
                while (started := time.perf_counter()) < began + seconds:
                    self.show(browser, chance.choice(self.ids))
                    times.append(time.perf_counter() - started)
                seconds = time.perf_counter() - began
            taken["generator"] = time.process_time() - own
        self.pages += len(times)
        self.requests += browser.requests
        self.bytes += browser.bytes
        return Turn(
            requests=len(times),
            seconds=round(seconds, 3),
            errors=0,
            latency_ms=describe(times),
            cpu_us=per_request(taken, len(times)),
        )


def describe(times: Sequence[float]) -> dict[str, float]:
    """Return percentiles of seconds, as milliseconds."""
    ordered = sorted(times)
    found = {name: percentile(ordered, share) for name, share in (("p50", 0.5), ("p99", 0.99))}
    found |= {"max": ordered[-1], "mean": statistics.mean(times)}
    return {name: round(each * 1000, 3) for name, each in found.items()}


def measure(
    subject: Subject, rounds: int, seconds: float, settings: Mapping[str, str]
) -> dict[str, Any]:
    """Return figures of a page by the way it is asked for, ids uniform, one page at a time.

    `settings` are those of the host. Raises BenchmarkError, OSError.
    """
    with host(subject, settings, "include") as running:
        ways = {name: Pages(running, subject.draw.ids, show) for name, show in WAYS.items()}
        turns = take_turns(ways, subject.draw, "page", rounds, seconds, CONNECTIONS)
    return {
        "connections": CONNECTIONS,
        "settings": dict(settings),
        "rounds": rounds,
        "seconds_a_turn": seconds,
        "a_page": {
            name: {
                "requests": round(way.requests / way.pages, 2),
                "bytes": round(way.bytes / way.pages),
            }
            for name, way in ways.items()
        },
        **summarise(turns, ["separately"]),
    }
