"""What serves while it is measured: programs on ports of their own, their logs in files."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.generators import Turn
from products_service.config import SettingsSchema
from products_service.leash import leashed
from products_service.signals import end

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 30
# Beyond the service's own deadline.
PATIENCE = 10.0


@dataclass(frozen=True)
class Program:
    """How to start a server: it runs in `folder`, and writes its log to `log`."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path


@dataclass
class Server:
    """A running server: where it listens, its process, and the seconds until it answered.

    `failed` is whether it answered something with an error, which its log may tell the reason of.
    """

    port: int
    pid: int
    start_seconds: float
    failed: bool = False

    @property
    def url(self) -> str:
        """Where to ask it."""
        return f"http://{HOST}:{self.port}"

    def watched(self, turn: Turn) -> Turn:
        """Return what came of asking it, with its errors noted."""
        self.failed |= turn.errors > 0
        return turn


def plain_environment() -> dict[str, str]:
    """Return our variables without any that would change what a server does."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in SettingsSchema().fields and not name.startswith(("PG", "GUNICORN_"))
    }


def free_port() -> int:
    """Return a port that nobody listens on, at any address."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


@contextmanager
def running(program: Program, port: int, path: str) -> Iterator[Server]:
    """Run a server, from the moment when it answers for `path` with 200.

    Its log is kept only where something fails, be it an answer: of all that is measured it would be
    gigabytes.
    Raises BenchmarkError with the end of it if the server does not come up.
    """
    started = time.monotonic()
    with program.log.open("wb") as log:
        process = subprocess.Popen(
            leashed(program.argv, signal.SIGTERM),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.folder,
            env=dict(program.environment),
            start_new_session=True,  # Ctrl-C is for us
        )
    try:
        while not _answers(port, path):
            if process.poll() is not None or time.monotonic() > started + START_SECONDS:
                said = program.log.read_text("utf-8", "replace")[-2000:]
                raise BenchmarkError(f"{' '.join(program.argv)} does not serve:\n{said}")
            time.sleep(0.02)
        server = Server(port, process.pid, round(time.monotonic() - started, 3))
        yield server
    finally:
        end(process, STOP_SECONDS)
    if not server.failed:
        program.log.unlink(missing_ok=True)


def ask(port: int, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Return status, headers and body of an answer. Raises OSError, HTTPException."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def _answers(port: int, path: str) -> bool:
    try:
        return ask(port, path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False
