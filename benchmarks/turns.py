"""What a contestant is asked in its turn, and by which generator."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from benchmarks import generators, pgbench
from benchmarks.draws import Draw
from benchmarks.generators import Turn
from benchmarks.servers import Server

# Paths of a turn: more than the fastest asks for in a second.
PATHS_PER_SECOND = 20_000
WARM_SECONDS = 1
# Beyond the seed of any turn. Not a negative one, which is to Python what the positive one is.
WARM_SEED = 1_000_000


class Contestant(Protocol):
    """Something that is measured in turns."""

    def take(self, load: "Load", seconds: float) -> Turn:
        """Be asked for that long. Raises BenchmarkError."""


@dataclass(frozen=True)
class Load:
    """What is asked for in a turn: a mix, drawn with a seed of the turn's own, ids uniform."""

    mix: str
    seed: int
    draw: Draw
    connections: int

    @contextmanager
    def paths(self, seconds: float) -> Iterator[Path]:
        """Yield a file of paths, more than are asked for in so many seconds."""
        with tempfile.TemporaryDirectory() as folder:
            count = round(PATHS_PER_SECOND * seconds)
            yield self.draw.write(Path(folder, "paths"), self.mix, "uniform", count, self.seed)


@dataclass(frozen=True)
class HttpContestant:
    """A running server, asked by wrk; the kernel's account of it is "app".

    Each turn begins with a second that does not count, of other paths: the processor's caches are
    full of what those before it did. What fails in it is an error of the turn.
    """

    server: Server
    postgres: Mapping[str, list[int]]

    @property
    def groups(self) -> dict[str, list[int]]:
        """The processes of each kind."""
        return {"app": [self.server.pid], **self.postgres}

    def take(self, load: Load, seconds: float) -> Turn:
        """Be asked for that long."""
        url, connections, groups = self.server.url, load.connections, self.groups
        of_warming = replace(load, seed=WARM_SEED + load.seed)
        # both files first: drawing them in between would fill the caches with something else again
        with of_warming.paths(WARM_SECONDS) as first, load.paths(seconds) as paths:
            warming = generators.ask(url, first, WARM_SECONDS, connections, groups)
            turn = generators.ask(url, paths, seconds, connections, groups)
        return self.server.watched(replace(turn, errors=turn.errors + warming.errors))


@dataclass(frozen=True)
class AskedByK6:
    """The same, asked by k6, whose users ask again as soon as they are answered."""

    contestant: HttpContestant

    def take(self, load: Load, seconds: float) -> Turn:
        """Be asked for that long."""
        server, groups, users = self.contestant.server, self.contestant.groups, load.connections
        with load.paths(seconds) as paths:
            turn = generators.ask_with_k6(server.url, paths, seconds, groups, users=users)
        return server.watched(turn)


@dataclass(frozen=True)
class Connected:
    """A contestant with a number of connections of its own."""

    contestant: Contestant
    connections: int

    def take(self, load: Load, seconds: float) -> Turn:
        """Be asked for that long."""
        return self.contestant.take(replace(load, connections=self.connections), seconds)


@dataclass(frozen=True)
class FloorContestant:
    """pgbench, which asks PostgreSQL itself; the kernel's account of pgbench is "generator"."""

    mode: str
    reconnect: bool
    environment: Mapping[str, str]
    postgres: Mapping[str, list[int]]

    def take(self, load: Load, seconds: float) -> Turn:
        """Run the statements of the load's mix for that long."""
        return pgbench.run_mix(
            load.draw,
            load.mix,
            self.mode,
            seconds,
            load.connections,
            load.seed,
            self.environment,
            self.postgres,
            reconnect=self.reconnect,
        )
