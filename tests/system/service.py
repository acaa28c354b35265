"""The service as it is shipped, gunicorn and all, in a process of its own; and a client of it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import psycopg2

from products_service.leash import leashed
from products_service.serving.worker import LATER_SECONDS
from products_service.signals import end
from tests.conftest import Database

ROOT = Path(__file__).parents[2]
# seconds; a limit on what hangs, not a promise
HANG = 300
# after which every worker has written what it logged and counted
MOMENT = 5 * LATER_SECONDS
PROBLEM = "application/problem+json"
LOOPBACK = "127.0.0.1"

Found = TypeVar("Found")


class Reply(NamedTuple):
    """What came back; `seconds` are those between asking and the last byte."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def is_problem(self) -> bool:
        """Whether it is an error as the contract has it: problem JSON that says its status."""
        return (
            self.headers["Content-Type"] == PROBLEM
            and f'"status":{self.status},'.encode() in self.body
        )


class Client:
    """One kept-alive connection to the service, at an address and from one of this machine's."""

    def __init__(self, port: int, address: str = LOOPBACK, source: str = "") -> None:
        self._connection = http.client.HTTPConnection(
            address, port, timeout=HANG, source_address=(source, 0) if source else None
        )

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        started = time.monotonic()
        self._connection.request("GET", path, headers=dict(headers or {}))
        answer = self._connection.getresponse()
        body = answer.read()
        return Reply(answer.status, answer.headers, body, time.monotonic() - started)

    def close(self) -> None:
        self._connection.close()


class Service:
    """A running service: where it listens and what it has logged."""

    def __init__(self, process: subprocess.Popen, port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask on a connection of its own."""
        with closing(Client(self.port)) as client:
            return client.get(path, headers)

    @contextmanager
    def asked(self, paths: list[str]) -> Iterator[list[Future[Reply]]]:
        """Ask all at once; the block runs meanwhile and ends when all are answered."""
        with ThreadPoolExecutor(len(paths)) as threads:
            yield [threads.submit(self.get, path) for path in paths]

    def get_all(self, paths: list[str]) -> list[Reply]:
        """Ask all at once and return the answers in the same order."""
        with self.asked(paths) as replies:
            return [reply.result() for reply in replies]

    def wait_for_status(self, status: int, path: str) -> Reply:
        """Ask until the answer has that status."""

        def ask() -> Reply | None:
            reply = self.get(path)
            return reply if reply.status == status else None

        return wait_for(ask)

    def is_live(self) -> bool:
        assert self.process.poll() is None, "gunicorn ended"
        with suppress(OSError):
            return self.get("/live").status == 200
        return False


def wait_for(condition: Callable[[], Found | None]) -> Found:
    """Return what `condition` returns as soon as it is true."""
    deadline = time.monotonic() + HANG
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(database: Database | None, **settings: str) -> dict[str, str]:
    """Return ours, which has no settings, with the database's and the given ones.

    But TEST_WORKER_CLASS, if it is set, has every service run on that GUNICORN_WORKER_CLASS.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    worker_class = {"GUNICORN_WORKER_CLASS": os.environ.get("TEST_WORKER_CLASS", "")}
    return ours | worker_class | (database.environment if database else {}) | settings


@contextmanager
def running(argv: list[str], port: int, *, cwd: Path, env: Mapping[str, str]) -> Iterator[Service]:
    """Run a program that serves on `port`, from the moment it is live; stop it at the end.

    What it logged goes with an exception that the block raises.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "service.log")
        with log.open("wb") as stream:
            process = subprocess.Popen(
                leashed(argv, signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
            )
        service = Service(process, port, log)
        try:
            wait_for(service.is_live)
            yield service
        except BaseException as error:
            error.add_note(f"The service's log:\n{service.log}")
            raise
        finally:
            end(process, HANG)


@contextmanager
def serving(
    database: Database | None,
    *,
    application: str = "wsgi:app",
    config: str | Path = "gunicorn.conf.py",
    **settings: str,
) -> Iterator[Service]:
    """Run gunicorn as it is shipped on a database, with the shipped settings but for those given.

    Without a database DATABASE_URL has to be among them, if the application asks for it.
    """
    port = free_port()
    argv = [sys.executable, "-m", "gunicorn", "-c", str(config), application]
    env = environment(database, PORT=str(port), **settings)
    with running(argv, port, cwd=ROOT, env=env) as service:
        yield service


@contextmanager
def session(database: Database) -> Iterator["psycopg2.extensions.cursor"]:
    """Yield a cursor of the superuser's, in autocommit."""
    with closing(connect(database.admin)) as connection:
        connection.autocommit = True
        yield connection.cursor()


@contextmanager
def catalogue_locked(database: Database) -> Iterator[None]:
    """Hold the lock that publishing takes, so that every statement of the service waits."""
    with closing(connect(database.admin)) as connection:
        connection.cursor().execute("LOCK TABLE catalogue.published_load IN ACCESS EXCLUSIVE MODE")
        yield


def connect(url: str) -> "psycopg2.extensions.connection":
    """Connect; nothing that is asked on the connection takes longer than what hangs.

    The limits of the service's role are not for tests on a slow machine.
    """
    options = f"-c statement_timeout={HANG}s -c idle_in_transaction_session_timeout=0"
    return psycopg2.connect(url, options=options, connect_timeout=HANG)


def count_waiting(database: Database) -> int:
    """Return how many of the service's sessions wait for a lock."""
    return count_sessions(database, "wait_event_type = 'Lock'")


def count_sessions(database: Database, condition: str = "true") -> int:
    """Return how many sessions of the service meet a condition on pg_stat_activity."""
    with session(database) as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            f"AND application_name = 'products_service' AND {condition}"
        )
        return cursor.fetchone()[0]
