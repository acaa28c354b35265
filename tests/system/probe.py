"""A WSGI application that shows a worker class all that the service's own never does.

Its routes are functions of their names. Served by gunicorn in the place of the service.
"""

import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from products_service import waiting
from products_service.serving import conversation, slots

# Limits that a test would wait for too long, or that it is not to run into.
for module, limit in (
    (conversation, "REQUEST_SECONDS"),
    (conversation, "ANSWER_SECONDS"),
    (conversation, "LINGER_SECONDS"),
    (slots, "PATIENCE"),
    (slots, "LONGEST"),
):
    if limit in os.environ:
        setattr(module, limit, float(os.environ[limit]))

Start = Callable[..., Callable[[bytes], Any]]
PLAIN = ("Content-Type", "text/plain")
BIG = 8 * 1024 * 1024
working = 0


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Call the route."""
    name, _, argument = environ["PATH_INFO"].lstrip("/").partition("/")
    return ROUTES[name](environ, start, argument)


def answer(start: Start, body: bytes, *headers: tuple[str, str]) -> list[bytes]:
    start("200 OK", [PLAIN, ("Content-Length", str(len(body))), *headers])
    return [body]


def live(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    return answer(start, str(os.getpid()).encode())


def echo(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    return answer(start, environ["wsgi.input"].read())


def show(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    """Show the environment."""
    texts = {name: value for name, value in environ.items() if isinstance(value, str)}
    return answer(start, json.dumps(texts).encode())


def big(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    return answer(start, b"x" * BIG)


def stream(environ: dict[str, Any], start: Start, argument: str) -> Iterator[bytes]:
    """Tell the length of nothing; start late; say when it is closed."""
    try:
        start("200 OK", [PLAIN])
        for number in range(int(argument)):
            yield b""
            yield b"%d\n" % number
    finally:
        print("stream closed", file=sys.stderr, flush=True)


def written(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    write = start("200 OK", [PLAIN])
    write(b"one ")
    write(b"two ")
    return [b"three"]


def file(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    opened = tempfile.TemporaryFile()  # noqa: SIM115 (the server closes it)
    opened.write(b"".join(b"%07d\n" % number for number in range(BIG // 8)))
    opened.seek(0)
    start("200 OK", [PLAIN, ("Content-Length", str(BIG))])
    return environ["wsgi.file_wrapper"](opened)


def replaced(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    """Start an answer, fail, and start another as PEP 3333 allows."""
    start("200 OK", [PLAIN, ("Content-Length", "1")])
    try:
        raise ValueError("before anything was sent")
    except ValueError:
        start("503 Service Unavailable", [PLAIN, ("Content-Length", "4")], sys.exc_info())
    return [b"late"]


def interrupted(environ: dict[str, Any], start: Start, argument: str) -> Iterator[bytes]:
    start("200 OK", [PLAIN])
    yield b"half"
    try:
        raise ValueError("after something was sent")
    except ValueError:
        start("500 Internal Server Error", [PLAIN], sys.exc_info())
    yield b"never"


def boom(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    raise ValueError("a defect")


def short(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    start("200 OK", [PLAIN, ("Content-Length", "100")])
    return [b"short"]


def long(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    start("200 OK", [PLAIN, ("Content-Length", "4")])
    return [b"lo", b"nger than it said"]


def header(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    """Answer with a header of the query's choice."""
    name, _, value = environ["QUERY_STRING"].encode().decode("unicode_escape").partition("=")
    return answer(start, b"", (name, value))


def status(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    start(argument, [PLAIN, ("Content-Length", "3")])
    return [b"abc"]


def wait(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    """Wait as for a database, so many seconds, or until somebody writes to a named pipe.

    Say, and tell, how many did at the same time.
    """
    global working
    working += 1
    print(f"{working} wait", file=sys.stderr, flush=True)
    if argument.startswith("/"):
        reader, end = os.open(argument, os.O_RDONLY | os.O_NONBLOCK), math.inf
    else:
        reader, end = os.eventfd(0), time.monotonic() + float(argument)
    try:
        together = working
        waiting.wait(reader, 1, end)
        together = max(together, working)
    finally:
        working -= 1
        os.close(reader)
    return answer(start, str(together).encode())


def block(environ: dict[str, Any], start: Start, argument: str) -> Iterable[bytes]:
    """Hold up the whole process for so many seconds, or until somebody writes to a named pipe.

    Say when that begins.
    """
    print("blocking", file=sys.stderr, flush=True)
    if argument.startswith("/"):
        Path(argument).read_bytes()
    else:
        time.sleep(float(argument))
    return answer(start, str(os.getpid()).encode())


ROUTES = {
    route.__name__: route
    for route in (
        *(live, echo, show, big, stream, written, file, replaced, interrupted, boom, short, long),
        *(header, status, wait, block),
    )
}
