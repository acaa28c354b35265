"""The fleet as `flask cluster up` runs it on this machine, while it is measured."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import generators
from benchmarks.alone import locked
from benchmarks.errors import BenchmarkError
from benchmarks.generators import Groups, Turn
from benchmarks.processes import find_by_title
from benchmarks.servers import Program, Server, free_port, plain_environment, running
from benchmarks.steps import step
from benchmarks.subject import Subject

PREFIX = "products-bench-fleet-"
LOCK = "lock"
# Where files are in memory, as the cache of a fleet's balancer is (docs/decisions/cache.md): on a
# disk, what was written and removed there before would be measured too.
MEMORY = Path("/dev/shm")  # noqa: S108
# Bytes: a cache of 256 MB, and logs of nginx and hosts for a search of ten rates.
ROOM = 6 << 30
CONNECTIONS = 128  # a burst's worth: what is due finds one free
WINDOW = 5.0  # seconds over which a hit ratio is taken
STEADY = 0.015  # how far the mean of the last three may be from that of the three before
LONGEST_WARMING = 120.0
# More than can be asked for in time, so that no path comes twice by going round.
SPARE = 1.3


class Fleet:
    """A running fleet; asked through nginx, with ids by Zipf's law.

    `in_memory` says where its cache and logs are.
    """

    def __init__(
        self, server: Server, subject: Subject, mix: str, folder: Path, *, in_memory: bool
    ) -> None:
        self.server = server
        self.in_memory = in_memory
        self.draw = subject.draw
        self._mix = mix
        self._seed = 0
        self._postgres = subject.postgres
        self._folder = folder

    @property
    def groups(self) -> Groups:
        """The processes of each kind, as they are now."""
        pids = {
            "nginx": find_by_title(self.server.pid, b"nginx"),
            "app": find_by_title(self.server.pid, b"gunicorn"),
        }
        return pids | self._postgres

    def paths(self, count: float) -> Path:
        """Return a file of paths that were never drawn before."""
        self._seed += 1
        return self.draw.write(
            self._folder / "paths", self._mix, "zipf", max(1_000, round(count * SPARE)), self._seed
        )

    def ask(self, rate: float, seconds: float, *, watch: bool = False) -> Turn:
        """Have wrk ask at that rate for so long. Raises BenchmarkError."""
        paths = self.paths(rate * seconds)
        return generators.ask(
            self.server.url,
            paths,
            seconds,
            CONNECTIONS,
            self.groups,
            rate=rate,
            watch=watch,
        )

    def ask_with_k6(self, rate: int, seconds: float) -> Turn:
        """Have k6 ask at that rate for so long. Raises BenchmarkError."""
        paths = self.paths(rate * seconds)
        return generators.ask_with_k6(self.server.url, paths, seconds, self.groups, rate=rate)

    def warm(self, rate: float, least: float) -> dict[str, Any]:
        """Ask at that rate, `least` seconds and until the hit ratio is steady.

        Returns the ratio of each window of a few seconds, whether it became steady before patience
        ended, at the end of `least` at the earliest, and how many requests failed meanwhile. Raises
        BenchmarkError.
        """
        turns: list[Turn] = []
        ratios: list[float] = []
        started = time.monotonic()
        with step(f"warming the cache at {rate:,.0f}/s"):
            while time.monotonic() < started + max(LONGEST_WARMING, least):
                turns.append(self.ask(rate, min(WINDOW, least), watch=True))
                ratios.append(turns[-1].hits)
                if time.monotonic() >= started + least and is_steady(ratios):
                    break
        errors = sum(turn.errors for turn in turns)
        return {"warming": ratios, "steady": is_steady(ratios), "warming_errors": errors}


def is_steady(ratios: Sequence[float]) -> bool:
    """Return whether the hit ratio has stopped growing: the mean of three is that of those before.

    One by one they go on differing by chance, the more the shorter their windows.
    """
    last, before = ratios[-3:], ratios[-6:-3]
    return len(before) == 3 and abs(mean(last) - mean(before)) <= STEADY


@contextmanager
def fleet(subject: Subject, hosts: int, mix: str, settings: Mapping[str, str]) -> Iterator[Fleet]:
    """Run nginx and so many hosts on the catalogue. Raises BenchmarkError."""
    port = free_port()
    argv = [sys.executable, "-m", "flask", "cluster", "up", "--hosts", str(hosts)]
    path = f"/products/{subject.draw.ids[0]}/styles"
    clear_killed()
    memory = _find_memory()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX, dir=memory)))
        stack.enter_context(locked(folder / LOCK))
        environment = plain_environment() | subject.environment | settings
        # The folder of a cluster is in that of an embedded server, which it has no need of here.
        environment |= {"PORT": str(port), "DEVDB_DIR": str(folder)}
        program = Program(argv, environment, Path(), folder / "fleet.log")
        with step(
            f"starting nginx, its cache {'in memory' if memory else 'on disk'}, and {hosts} hosts"
        ):
            server = stack.enter_context(running(program, port, path))
        yield Fleet(server, subject, mix, folder, in_memory=memory is not None)


def clear_killed(memory: Path = MEMORY) -> None:
    """Remove what fleets of runs that were killed have left there: gigabytes of memory."""
    for folder in memory.glob(f"{PREFIX}*"):
        with suppress(BenchmarkError, OSError), locked(folder / LOCK):
            shutil.rmtree(folder)


def _find_memory() -> Path | None:
    """Return the folder in memory; None where there is none with room for a fleet's files."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None
