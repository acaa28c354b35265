"""The service as it is shipped, gunicorn and all, in a process of its own; and a client of it."""

import http.client
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from products_service.leash import leashed
from products_service.serving.worker import LATER_SECONDS
from products_service.signals import end
from tests.conftest import Database
from tests.programs import ROOT, environment, free_port
from tests.waiting import HANG, wait_for

# after which every worker has written what it logged and counted
MOMENT = 5 * LATER_SECONDS
PROBLEM = "application/problem+json"
LOOPBACK = "127.0.0.1"


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
    """One kept-alive connection to the service, at an address."""

    def __init__(self, port: int, address: str = LOOPBACK) -> None:
        self._connection = http.client.HTTPConnection(address, port, timeout=HANG)

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
