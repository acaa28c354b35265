"""How the service grows: with the catalogue, with worker processes, and with connections."""

import http.client
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import generators
from benchmarks.contest import summarise, take_turns
from benchmarks.contestants import LOOP, host
from benchmarks.draws import PAGE_SIZE
from benchmarks.generators import Turn
from benchmarks.memory import watching
from benchmarks.servers import HOST, PATIENCE
from benchmarks.steps import step
from benchmarks.subject import Subject, urls_of, warm
from benchmarks.turns import Connected, HttpContestant, Load
from benchmarks.workshop import own_workshop
from products_service.config import load_settings

MIX = "styles"
PRODUCTS = (1_000, 100_000)  # beside those that are served
WORKERS = (1, 2, 4, 8)
LOOPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # connections
FOLDER = Path("build")
MEMORY_SECONDS = 0.5


@dataclass(frozen=True)
class Elsewhere:
    """A contestant with a catalogue of its own."""

    contestant: HttpContestant
    subject: Subject

    def take(self, load: Load, seconds: float) -> Turn:
        """Be asked for that long."""
        return self.contestant.take(replace(load, draw=self.subject.draw), seconds)


@dataclass(frozen=True)
class OnePath:
    """A contestant that is asked for the same path all the time."""

    contestant: HttpContestant
    path: str

    def take(self, load: Load, seconds: float) -> Turn:
        """Be asked for that long."""
        with tempfile.TemporaryDirectory() as folder:
            paths = Path(folder, "paths")
            paths.write_text(f"{self.path}\n", "utf-8")
            turn = generators.ask(
                self.contestant.server.url,
                paths,
                seconds,
                load.connections,
                self.contestant.groups,
            )
        return self.contestant.server.watched(turn)


def measure(
    subject: Subject,
    rounds: int,
    seconds: float,
    settings: Mapping[str, str],
    sizes: Sequence[int] = PRODUCTS,
) -> dict[str, Any]:
    """Return what becomes of the route of styles as each of the three grows; and memory, starts.

    `settings` are those of all hosts. Raises BenchmarkError.
    """
    return {
        "mix": MIX,
        "connections": LOOP,
        "settings": dict(settings),
        "rounds": rounds,
        "seconds_a_turn": seconds,
        "by_products": by_products(subject, rounds, seconds, settings, sizes),
        **by_workers_and_connections(subject, rounds, seconds, settings),
        **at_rest(subject, rounds, settings),
    }


def by_products(
    subject: Subject,
    rounds: int,
    seconds: float,
    settings: Mapping[str, str],
    sizes: Sequence[int],
) -> list[dict[str, Any]]:
    """Return figures of catalogues of these sizes, each on a server of its own, and of ours."""
    with ExitStack() as stack:
        subjects = [stack.enter_context(generated(size)) for size in sizes] + [subject]
        hosts = {
            str(number): Elsewhere(
                stack.enter_context(host(each, settings, f"catalogue-{number}")), each
            )
            for number, each in enumerate(subjects)
        }
        turns = take_turns(hosts, subject.draw, MIX, rounds, seconds, LOOP)
    figures = summarise(turns)["contestants"]
    return [
        {"data": each.data, "products": len(each.draw.ids)} | figures[str(number)]
        for number, each in enumerate(subjects)
    ]


@contextmanager
def generated(products: int) -> Iterator[Subject]:
    """Yield a generated catalogue on an embedded server of its own. Raises BenchmarkError."""
    with own_workshop(FOLDER / f"bench-growth-{products}", products) as workshop:
        files = workshop.folder / "files"
        with step(f"loading {products:,} products"):
            size = ("--products", str(products))
            workshop.run(workshop.flask("etl", "generate", files, *size, "--quiet"))
            workshop.run(workshop.flask("db", "upgrade"))
            workshop.run(workshop.flask("etl", "load", files, "--report", workshop.folder))
        with warm(urls_of(load_settings({"DEVDB_DIR": str(workshop.devdb)}))) as subject:
            yield subject


def by_workers_and_connections(
    subject: Subject, rounds: int, seconds: float, settings: Mapping[str, str]
) -> dict[str, Any]:
    """Return figures by workers and by connections, and of two pages of the list."""
    with ExitStack() as stack:
        hosts = {
            workers: stack.enter_context(host_of(workers, subject, settings)) for workers in WORKERS
        }
        shipped = hosts[shipped_workers()]
        taken = partial(
            take_turns,
            draw=subject.draw,
            mix=MIX,
            rounds=rounds,
            seconds=seconds,
            connections=LOOP,
        )
        turns = taken({str(workers): each for workers, each in hosts.items()})
        loops = taken({str(number): Connected(shipped, number) for number in LOOPS})
        last = max(1, len(subject.draw.ids) // PAGE_SIZE)  # the last one that is full
        pages = taken(
            {
                name: OnePath(shipped, f"/products?page={number}")
                for name, number in (("first", 1), ("last", last))
            }
        )
    return {
        "by_workers": summarise(turns)["contestants"],
        "by_connections": summarise(loops)["contestants"],
        "pages_of_the_list": summarise(pages, ["first"]),
    }


def at_rest(subject: Subject, rounds: int, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return how long hosts take to start, and what workers and connections take of memory.

    Each host is started in each round; medians.
    """
    started, empty = ({workers: [] for workers in WORKERS} for _ in range(2))
    connected: dict[int, list[int]] = {LOOPS[0]: [], LOOPS[-1]: []}
    for _ in range(rounds):
        for workers in WORKERS:
            with host_of(workers, subject, settings) as each:
                started[workers].append(each.server.start_seconds)
                empty[workers].append(_memory(each))
                if workers == shipped_workers():
                    for number, found in connected.items():
                        found.append(_memory(each, number))
    starts, idle, held = (
        {number: median(found) for number, found in figures.items()}
        for figures in (started, empty, connected)
    )
    fewest, most = WORKERS[0], WORKERS[-1]
    return {
        "memory_bytes": {
            "host_idle_by_workers": idle,
            "a_worker": round((idle[most] - idle[fewest]) / (most - fewest)),
            "host_by_connections": held,
            "a_connection": round((held[LOOPS[-1]] - held[LOOPS[0]]) / (LOOPS[-1] - LOOPS[0])),
        },
        "start_seconds_by_workers": starts,
    }


def host_of(
    workers: int, subject: Subject, settings: Mapping[str, str]
) -> AbstractContextManager[HttpContestant]:
    """Run a host with so many workers. Raises BenchmarkError."""
    return host(subject, {**settings, "GUNICORN_WORKERS": str(workers)}, f"workers-{workers}")


def shipped_workers() -> int:
    """Return how many workers a host has that is told nothing."""
    return load_settings({})["GUNICORN_WORKERS"]


def _memory(contestant: HttpContestant, connections: int = 0) -> int:
    """Return what a host takes in bytes while so many idle connections are open to it."""
    port = contestant.server.port
    with ExitStack() as stack:
        for _ in range(connections):
            connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
            stack.callback(connection.close)
            connection.request("GET", "/live")
            connection.getresponse().read()
        with watching(contestant.server.pid) as peak:
            time.sleep(MEMORY_SECONDS)
    return peak.proportional
