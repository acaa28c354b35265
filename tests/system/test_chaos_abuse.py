"""Clients that mean harm, at nginx and at gunicorn: refused, and no other client notices."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

import pytest

from tests.conftest import Database
from tests.system.chaos import LONGEST, PRODUCTS, fill
from tests.system.fleet import cluster, receive_all
from tests.system.load import load
from tests.system.service import LOOPBACK, MOMENT, serving
from tests.waiting import HANG

pytestmark = pytest.mark.slow

# What a client may be kept waiting by others' abuse, of a hundred requests by one at most.
UNAFFECTED = 1.0
RATE = 50
DOORS = ("nginx", "gthread", "greenlet")


class Door(NamedTuple):
    """Where clients come in, and what is logged behind it."""

    port: int
    log: Callable[[], str]


@pytest.fixture(scope="module", params=DOORS)
def door(
    request: pytest.FixtureRequest,
    shared_database: Database,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Door]:
    fill(shared_database, tmp_path_factory.mktemp("load"))
    if request.param == "nginx":
        with cluster(shared_database, hosts=2) as fleet:
            logs = [fleet.nginx.parent / "hosts" / host / "gunicorn.log" for host in fleet.hosts]
            yield Door(fleet.port, lambda: "".join(log.read_text() for log in logs))
    else:
        with serving(shared_database, GUNICORN_WORKER_CLASS=request.param) as service:
            yield Door(service.port, lambda: service.log)


# A request of which one reader sees the end elsewhere than another: what the second takes for a
# request of its own is the first one's body.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n" % (len(SMUGGLED) + 5)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PAIRS = {
    "a length, and chunks": LENGTH + CHUNKED,
    "chunks, and a length": CHUNKED + LENGTH,
    "two lengths": b"Content-Length: 0\r\n" + LENGTH,
    "a list of lengths": b"Content-Length: 0, %d\r\n" % len(SMUGGLED),
    "a length with a sign": b"Content-Length: +5\r\n",
    "a length below zero": b"Content-Length: -1\r\n",
    "a length with an underscore": b"Content-Length: 1_0\r\n",
    "a length in other digits": "Content-Length: \u0661\r\n".encode(),
    "a length that overflows": b"Content-Length: 18446744073709551616\r\n",
    "a length with a space before its colon": b"Content-Length : 5\r\n",
    "a coding with a space before its colon": LENGTH + b"Transfer-Encoding : chunked\r\n",
    "a coding with a tab": LENGTH + b"Transfer-Encoding:\x0bchunked\r\n",
    "a coding that is none": LENGTH + b"Transfer-Encoding: xchunked\r\n",
    "two codings": LENGTH + CHUNKED + b"Transfer-Encoding: identity\r\n",
    "a list of codings": LENGTH + b"Transfer-Encoding: chunked, identity\r\n",
    "a coding on a folded line": LENGTH + b"Transfer-Encoding:\r\n chunked\r\n",
    "a coding behind a bare line feed": LENGTH + b"X: y\nTransfer-Encoding: chunked\r\n",
    "a coding behind a bare carriage return": LENGTH + b"X: y\rTransfer-Encoding: chunked\r\n",
    "a NUL in a name": LENGTH + b"Transfer\0Encoding: chunked\r\n",
    "two hosts": b"Host: other\r\n",
}


@pytest.mark.parametrize("what", PAIRS)
def test_nothing_is_smuggled_in(door: Door, what: str) -> None:
    sent = b"POST /products HTTP/1.1\r\nHost: shop\r\n" + PAIRS[what] + b"\r\n0\r\n\r\n" + SMUGGLED
    answers = statuses(exchange(door, sent))
    # One of what was sent: 200 would be to a method that there is not.
    assert len(answers) <= 1, answers
    assert all(400 <= status < 600 for status in answers)
    time.sleep(MOMENT)  # whichever worker of whichever host has it
    assert "smuggled" not in door.log()


BAD = {
    "bytes that are no text": b"GET /\xff\xfe\x80 HTTP/1.1\r\nHost: shop\r\nX: \xff\xfe\r\n\r\n",
    "an escape that is none": b"GET /products/%zz HTTP/1.1\r\nHost: shop\r\n\r\n",
    "an overlong encoding": b"GET /%c0%ae%c0%ae/ HTTP/1.1\r\nHost: shop\r\n\r\n",
    "half of a surrogate pair": b"GET /%ed%a0%80 HTTP/1.1\r\nHost: shop\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: shop\r\nX: a\0b\r\n\r\n",
    "a handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60) + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a line of a megabyte": b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: shop\r\n\r\n",
    "a header of a megabyte": b"GET / HTTP/1.1\r\nHost: shop\r\nX: %b\r\n\r\n" % (b"x" * 1_000_000),
    "ten thousand headers": b"GET / HTTP/1.1\r\nHost: shop\r\n%b\r\n" % (b"X: y\r\n" * 10_000),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_good_request_is_refused(door: Door, what: str) -> None:
    answers = statuses(exchange(door, BAD[what]))
    assert len(answers) <= 1
    assert all(400 <= status < 506 and status != 500 for status in answers)


def exchange(door: Door, sent: bytes) -> bytes:
    """Send these bytes; return all that comes back until the connection is closed."""
    with closing(socket.create_connection((LOOPBACK, door.port), HANG)) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all of it was read
        return receive_all(connection)


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


HALVES = {
    "half a line": b"GET /products/",
    "half a header": b"GET /products/1 HTTP/1.1\r\nHost: shop\r\nX-Slow: ",
    "half a body": b"POST /products HTTP/1.1\r\nHost: shop\r\nContent-Length: 900\r\n\r\nx",
    "nothing": b"",
}
MANY = 400


# Not gthread: gunicorn's own class has a thread wait for each of them, up to 5 s, and is safe from
# them only behind a balancer (docs/decisions/worker.md).
@pytest.mark.parametrize("door", ["nginx", "greenlet"], indirect=True)
@pytest.mark.parametrize("what", HALVES)
def test_many_who_never_finish_keep_nobody_waiting(door: Door, what: str) -> None:
    with load(door.port, PRODUCTS, rate=RATE) as run, ExitStack() as stack:
        connections = [
            stack.enter_context(closing(socket.create_connection((LOOPBACK, door.port), HANG)))
            for _ in range(MANY)
        ]
        for _ in range(6):
            for connection in connections:
                try:
                    connection.sendall(HALVES[what][:1] if _ else HALVES[what])
                except OSError:
                    continue  # closed by the other side, as it may
            time.sleep(1)
    assert not run.failures, run.failures[:5]
    assert run.percentile(0.99) < UNAFFECTED
    assert run.longest < LONGEST


def test_a_flood_of_nonsense_keeps_nobody_waiting(door: Door) -> None:
    with load(door.port, PRODUCTS, rate=RATE) as run:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for sent in (*BAD.values(), SMUGGLED + b"\0"):
                exchange(door, sent)
    assert not run.failures, run.failures[:5]
    assert run.percentile(0.99) < UNAFFECTED
