"""A steady client from outside: so many requests a second, each on a connection of its own.

    python -m tests.fleet.client ADDRESS NAME CA-FILE RATE <paths

asks https://NAME at ADDRESS until SIGTERM, whatever becomes of the requests before, and prints a
JSON object for each answer. Every other request is one that no cache has an answer for.
"""

import http.client
import itertools
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fleet import network

ROOT = Path(__file__).parents[2]
# seconds; longer than any answer may take, so that one that does is seen for what it is
TIMEOUT = 20


@dataclass
class Seen:
    """What a client got: one entry an answer, in the order in which they came."""

    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The requests that got no answer, or not that of a working service."""
        return [answer for answer in self.answers if answer["status"] != 200]

    @property
    def slowest(self) -> float:
        """The longest time that an answer took, in seconds."""
        return max(answer["seconds"] for answer in self.answers)

    @property
    def loads(self) -> Counter[str]:
        """How many answers came from each load of the catalogue, by its number."""
        return Counter(
            answer["tag"].partition("-")[0] for answer in self.answers if answer["status"] == 200
        )

    def __str__(self) -> str:
        counts = f"{len(self.answers)} answers, {len(self.failures)} failed"
        return f"{counts}, slowest {self.slowest:.2f} s"


@contextmanager
def steady(
    address: str, name: str, authority: Path, paths: Sequence[str], rate: float = 25
) -> Iterator[Seen]:
    """Ask from the world while the block runs; what is yielded is filled when it has ended."""
    argv = [sys.executable, "-m", "tests.fleet.client", address, name, str(authority), str(rate)]
    seen = Seen()
    with subprocess.Popen(
        [*network.inside(network.WORLD), *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        process.stdin.write("\n".join(paths))
        process.stdin.close()
        reader = threading.Thread(
            target=lambda: seen.answers.extend(map(json.loads, process.stdout))
        )
        reader.start()
        try:
            yield seen
        finally:
            process.terminate()
            reader.join()
    assert process.returncode == 0
    assert seen.answers


def ask(address: str, name: str, context: ssl.SSLContext, path: str) -> dict[str, Any]:
    """Ask once, on a new connection, and return what came of it."""
    began, started = time.time(), time.monotonic()
    found: dict[str, Any] = {"at": began, "path": path, "status": None}
    connection = http.client.HTTPSConnection(name, timeout=TIMEOUT, context=context)
    try:
        plain = socket.create_connection((address, 443), TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock = context.wrap_socket(plain, server_hostname=name)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        found |= {
            "status": answer.status,
            "cache": answer.headers["X-Cache"],
            "tag": (answer.headers["ETag"] or "").strip('"'),
        }
        if answer.status != 200:
            found["body"] = body.decode("utf-8", "replace")[:300]
    except (OSError, http.client.HTTPException) as error:
        found["error"] = repr(error)
    finally:
        connection.close()
    found["seconds"] = time.monotonic() - started
    return found


def main() -> None:
    """Ask until SIGTERM."""
    address, name, authority, rate = sys.argv[1:]
    paths = sys.stdin.read().split()
    context = ssl.create_default_context(cafile=authority)
    # no Event: setting one in a handler waits for ever where the signal came while it is looked at
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    lock = threading.Lock()

    def ask_and_tell(path: str) -> None:
        found = json.dumps(ask(address, name, context, path))
        with lock:
            print(found, flush=True)

    with ThreadPoolExecutor(100) as threads:
        due = time.monotonic()
        for number, path in enumerate(itertools.cycle(paths)):
            due += 1 / float(rate)
            time.sleep(max(0, due - time.monotonic()))
            if told:
                break
            separator = "&" if "?" in path else "?"
            uncached = f"{path}{separator}n={time.time_ns()}"
            threads.submit(ask_and_tell, uncached if number % 2 else path)


if __name__ == "__main__":
    main()
