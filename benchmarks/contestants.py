"""Who is measured side by side: this service in its variants, its peers, and the floor."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from benchmarks.connection import libpq_variables
from benchmarks.errors import BenchmarkError
from benchmarks.installation import VENV, install_peers
from benchmarks.prerequisites import find_programs
from benchmarks.servers import Program, free_port, plain_environment, running
from benchmarks.steps import step
from benchmarks.subject import Subject
from benchmarks.turns import Contestant, FloorContestant, HttpContestant
from products_service.config import load_settings
from products_service.release import gunicorn

# To the database, of all processes of a peer at its best: as shipped here. And of each process of
# Express, which has pg's own number, as the field does.
CONNECTIONS = 8
POOL_OF_EXPRESS = 10
LOGS = Path("build/bench")

APPLICATION = "wsgi:app"
UNPOOLED = "benchmarks.unpooled:app"
BARE = {"ACCESS_LOG": "false", "METRICS": "false"}
GREENLET = {"GUNICORN_WORKER_CLASS": "greenlet"}
ONE_WORKER = {"GUNICORN_WORKERS": "1"}
# A gthread answers 503 soon when its pool stays in use, and a closed loop that is answered so is no
# measurement: so its pool is larger than half of the loop's 16 connections, a worker's share.
GTHREAD = {"GUNICORN_WORKER_CLASS": "gthread", "GUNICORN_THREADS": "13", "DB_POOL_SIZE": "12"}
# Of this service: the application and its settings.
SERVICE = {
    "greenlet": (APPLICATION, GREENLET),
    "greenlet-1": (APPLICATION, GREENLET | ONE_WORKER),
    "greenlet-bare": (APPLICATION, GREENLET | BARE),
    "greenlet-unpooled": (UNPOOLED, GREENLET),
    "gthread": (APPLICATION, GTHREAD),
    "gthread-unpooled": (UNPOOLED, GTHREAD),
}


class Peer(NamedTuple):
    """The form in which a peer takes part: its program, and how many processes that has.

    `connections` are those of each process; `how` is what the program knows another way to ask by.
    """

    program: str
    processes: int
    connections: int
    how: str | None = None


# Two processes, as this service is shipped, need not be a peer's best where the database and the
# generator are on the same cores.
PEERS = {
    "express": Peer("express", 2, POOL_OF_EXPRESS),
    "express-1": Peer("express", 1, POOL_OF_EXPRESS),
    "fastify": Peer("fastify", 2, CONNECTIONS // 2),
    "fastify-1": Peer("fastify", 1, CONNECTIONS),
    "fastapi": Peer("fastapi", 2, CONNECTIONS // 2),
    "fastapi-1": Peer("fastapi", 1, CONNECTIONS),
    # What makes it fair where planning a statement takes several times as long as running it.
    "express-prepared": Peer("express", 1, POOL_OF_EXPRESS, "prepared"),
    "express-prepared-2": Peer("express", 2, POOL_OF_EXPRESS, "prepared"),
    "fastify-pipelined": Peer("fastify", 1, 2, "pipelined"),
    "fastify-pipelined-2": Peer("fastify", 2, 1, "pipelined"),
}
# Connections of the closed loop, each of which is one to the database where pgbench is asked.
LOOP = 16
# Of pgbench: how it sends a statement, and whether it connects anew for each.
FLOORS = {
    "pgbench-prepared": ("prepared", False),
    "pgbench-unprepared": ("extended", False),
    "pgbench-reconnecting": ("prepared", True),
}

# One plan for all values of a statement, which is not compiled, as the service has it.
ONE_PLAN = {"PGOPTIONS": "-c plan_cache_mode=force_generic_plan -c jit=off"}

DESCRIPTIONS = {
    "greenlet": "this service as shipped, GUNICORN_WORKER_CLASS=greenlet",
    "greenlet-1": "greenlet with one worker, GUNICORN_WORKERS=1",
    "greenlet-bare": "greenlet with ACCESS_LOG and METRICS off",
    "greenlet-unpooled": "greenlet with a new connection for each request",
    "gthread": "this service, GUNICORN_WORKER_CLASS=gthread, pool and threads as many as are asked",
    "gthread-unpooled": "gthread with a new connection for each request",
    "express": "Express and pg as they are usually written, with this service's statements",
    "express-1": "express with one process",
    "express-prepared": "express with one process and named statements, prepared once a connection",
    "express-prepared-2": "express-prepared with two processes",
    "fastify": "Fastify and pg at their best: prepared, text passed through",
    "fastify-1": "fastify with one process",
    "fastify-pipelined": "fastify with one process and pipelined connections",
    "fastify-pipelined-2": "fastify-pipelined with two processes",
    "fastapi": "FastAPI and asyncpg at their best: prepared, text passed through",
    "fastapi-1": "fastapi with one process",
    "pgbench-prepared": "pgbench with the same statements, prepared once a connection",
    "pgbench-unprepared": "pgbench with the same statements, prepared each time",
    "pgbench-reconnecting": "pgbench with a new connection for each statement",
}
# Who takes part side by side; the others have no pool.
COMPETITORS = (
    *("greenlet", "greenlet-1", "greenlet-bare", "gthread", *PEERS),
    *("pgbench-prepared", "pgbench-unprepared"),
)


def service_program(
    url: str, port: int, name: str, settings: Mapping[str, str], application: str = APPLICATION
) -> Program:
    """Return gunicorn as it is shipped, but for these settings."""
    ours = {"DATABASE_URL": url, "PORT": str(port)}
    return _program(name, gunicorn(application), plain_environment() | ours | settings, Path())


def peer_program(url: str, port: int, name: str, peers: Path) -> Program:
    """Return a peer, which is told of the database and given the service's statements."""
    environment = plain_environment() | libpq_variables(url)
    statements = os.fspath(resources.files("products_service").joinpath("sql"))
    peer = PEERS[name]
    folder = peers / peer.program
    connections = str(peer.connections)
    if peer.program == "fastapi":
        environment |= {"SQL_FOLDER": statements, "CONNECTIONS": connections}
        size = ("--workers", str(peer.processes), "--port", str(port))
        argv = [f"{folder}/{VENV}/bin/python", "-m", "uvicorn", "server:app", "--no-access-log"]
        return _program(name, [*argv, *size], environment, folder)
    node = find_programs("node")["node"]
    environment |= {"NODE_ENV": "production"}
    arguments = [str(port), statements, str(peer.processes), connections]
    arguments += [peer.how] if peer.how else []
    return _program(name, [node, "server.js", *arguments], environment, folder)


def _program(
    name: str, argv: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Program:
    LOGS.mkdir(parents=True, exist_ok=True)
    return Program(argv, environment, folder, LOGS / f"{name}.log")


def forms_of(program: str, names: Iterable[str]) -> list[str]:
    """Return as what this one took part: a peer may in several forms."""
    return [
        name
        for name in names
        if name == program or (name in PEERS and PEERS[name].program == program)
    ]


def connections_of(name: str) -> int:
    """Return how many connections to the database a contestant of that name keeps at most."""
    if name in PEERS:
        return PEERS[name].processes * PEERS[name].connections
    settings = load_settings(SERVICE[name][1])
    return settings["GUNICORN_WORKERS"] * settings["DB_POOL_SIZE"]


def check_connections(names: Sequence[str], subject: Subject) -> None:
    """Raise BenchmarkError if the database has too few connections for all of them at once."""
    # pgbench has some during its turn only
    floor = LOOP if set(names) & FLOORS.keys() else 0
    needed = sum(connections_of(name) for name in names if name not in FLOORS) + floor
    if needed > subject.free_connections:
        raise BenchmarkError(
            f"the contestants take up to {needed} connections to the database, and "
            f"{subject.free_connections} are free: raise max_connections, or name fewer with --only"
        )


def find_needed(names: Sequence[str]) -> None:
    """Raise BenchmarkError if a program that these contestants take is missing."""
    floors = ["pgbench"] if set(names) & FLOORS.keys() else []
    peers = ["node", "npm"] if set(names) & PEERS.keys() else []
    find_programs("wrk", *floors, *peers)


@contextmanager
def competing(names: Sequence[str], subject: Subject) -> Iterator[dict[str, Contestant]]:
    """Run the contestants of these names on the same database, all at once.

    Raises BenchmarkError.
    """
    check_connections(names, subject)
    peers = install_peers() if set(names) & PEERS.keys() else Path()
    contestants: dict[str, Contestant] = {}
    with ExitStack() as stack:
        for name in names:
            if name in FLOORS:
                variables = plain_environment() | libpq_variables(subject.url) | ONE_PLAN
                contestants[name] = FloorContestant(*FLOORS[name], variables, subject.postgres)
                continue
            port = free_port()
            if name in PEERS:
                program = peer_program(subject.url, port, name, peers)
            else:
                application, settings = SERVICE[name]
                program = service_program(subject.url, port, name, settings, application)
            contestants[name] = stack.enter_context(_started(name, program, port, subject))
        yield contestants


@contextmanager
def host(subject: Subject, settings: Mapping[str, str], name: str) -> Iterator[HttpContestant]:
    """Run this service with these settings. Raises BenchmarkError."""
    port = free_port()
    with _started(name, service_program(subject.url, port, name, settings), port, subject) as found:
        yield found


@contextmanager
def _started(name: str, program: Program, port: int, subject: Subject) -> Iterator[HttpContestant]:
    with ExitStack() as stack:
        with step(f"starting {name}"):
            path = f"/products/{subject.draw.ids[0]}/styles"
            server = stack.enter_context(running(program, port, path))
        yield HttpContestant(server, subject.postgres)
