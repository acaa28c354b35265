"""What nginx as it is shipped refuses and hides, and how: as problems, like the service's own."""

import json
from urllib.parse import quote

import pytest

from tests.system.fleet import TAIL, Fleet, check_problem

PATH = "/products/1"
# Of a line of 8,192 bytes, with the method, the version and the end of the line.
LONGEST_PATH = 8192 - len("GET  HTTP/1.1\r\n")


def conditional(path: bytes, condition: bytes) -> bytes:
    """Return a request with a condition."""
    return b"GET %b HTTP/1.1\r\n%b\r\n%b\r\n" % (path, condition, TAIL)


REFUSED = {
    "no request": (b"nonsense\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "a header that is none": (b"GET / HTTP/1.1\r\n" + TAIL + b"what is this\r\n\r\n", 400),
    "two lengths of a body": (
        b"POST / HTTP/1.1\r\n"
        + TAIL
        + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a path above the root": (b"GET /../x HTTP/1.1\r\n" + TAIL + b"\r\n", 400),
    "bytes that no path has": (b"GET /products/\xd9\xa3 HTTP/1.1\r\n" + TAIL + b"\r\n", 400),
    "bytes that no query has": (b"GET /products?q=\xff HTTP/1.1\r\n" + TAIL + b"\r\n", 400),
    "bytes that no page's path has": (b"GET /\xe9 HTTP/1.1\r\n" + TAIL + b"\r\n", 400),
    "a long method": (b"A" * 21 + b" /products HTTP/1.1\r\n" + TAIL + b"\r\n", 400),
    "a short method": (b"AB /products HTTP/1.1\r\n" + TAIL + b"\r\n", 400),
    "a NUL": (b"GET /%00 HTTP/1.1\r\n" + TAIL + b"\r\n", 400),
    "a method of its own": (b"TRACE / HTTP/1.1\r\n" + TAIL + b"\r\n", 405),
    "a condition that does not hold": (conditional(b"/products/1", b'If-Match: "x"'), 412),
    "a condition that does not hold for a page": (conditional(b"/docs", b'If-Match: "x"'), 412),
    "a condition that none is": (conditional(b"/products/1", b"If-Match: \x7f"), 400),
    "a condition that none is, for a page": (conditional(b"/docs", b"If-None-Match: \x01"), 400),
    "a body": (
        b"POST / HTTP/1.1\r\n" + TAIL + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000,
        413,
    ),
    # which a host takes too: by its parser it would be refused with an id that nginx does not know
    "a line that is nearly too long": (
        b"GET /" + b"x" * 8000 + b" HTTP/1.1\r\n" + TAIL + b"\r\n",
        404,
    ),
    "a long line": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + TAIL + b"\r\n", 414),
    "a long header": (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n" + TAIL + b"\r\n", 431),
    "many headers": (
        b"GET / HTTP/1.1\r\n" + b"X: %s\r\n" % (b"x" * 7000) * 6 + TAIL + b"\r\n",
        431,
    ),
    "the longest condition": (conditional(b"/products/1", b"If-Match: ".ljust(8190, b"x")), 412),
    "a body of no sense to what is refused anyway": (
        b"GET /ready HTTP/1.1\r\n" + TAIL + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        400,
    ),
    "another transfer coding": (
        b"POST / HTTP/1.1\r\n" + TAIL + b"Transfer-Encoding: gzip\r\n\r\n",
        501,
    ),
    "another version": (b"GET / HTTP/3.0\r\n" + TAIL + b"\r\n", 505),
}


@pytest.mark.parametrize("line", [b"GET /products/1", b"GET /products/1  ", b"GET /live "])
def test_a_request_without_a_version_is_none(fleet: Fleet, line: bytes) -> None:
    """By HTTP/0.9 there is no head: a client that speaks HTTP would take a body for nonsense."""
    assert json.loads(fleet.exchange(line + b"\r\n\r\n"))["status"] == 400


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_refuses_it_refuses_with_a_problem(fleet: Fleet, what: str) -> None:
    sent, status = REFUSED[what]
    check_problem(fleet.exchange(sent), status)


def test_what_the_service_refuses_passes_as_it_is(fleet: Fleet) -> None:
    for method, path, status in [
        ("GET", "/products/x", 404),
        ("GET", "/products?count=0", 400),
        ("POST", "/products", 405),
        ("BREW", "/", 405),
    ]:
        answer = fleet.exchange(f"{method} {path} HTTP/1.1\r\n".encode() + TAIL + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert b"ETag, Link" in answer  # of Access-Control-Expose-Headers, which nginx has not
        assert (b'"errors":' in answer) == (status == 400)


@pytest.mark.parametrize(
    "path",
    [
        *("/ready", "/metrics", "/ready?x", "/%72eady", "/x/../metrics", "/./ready", "//metrics"),
        *("http://shop/ready", "/problem", "/metrics/", "/READY"),
    ],
)
def test_what_is_for_operators_is_hidden(fleet: Fleet, path: str) -> None:
    answer = fleet.exchange(f"GET {path} HTTP/1.1\r\n".encode() + TAIL + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"urn:problem-type:not-found"' in answer


def test_the_longest_answer_to_the_longest_request_is_no_failure_of_its_host(fleet: Fleet) -> None:
    """A head that does not fit beside the cache's key is one, and three would take the host out."""
    links = "page=2&count=1&q=" + quote("\N{GRINNING FACE}" * 198 + "bl")
    for number in range(6):
        path = f"/products?{links}&x={number}".ljust(LONGEST_PATH, "x")
        request = f"GET {path} HTTP/1.1\r\nX-Request-ID: {'x' * 128}\r\n".encode() + TAIL + b"\r\n"
        for state in (b"MISS", b"HIT"):
            answer = fleet.exchange(request)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            assert b"\r\nX-Cache: %s\r\n" % state in answer
            assert answer.count(b"rel=") == 3
    assert fleet.exchange(request.replace(b"/products", b"/xproducts")).startswith(b"HTTP/1.1 414 ")


def test_a_body_that_comes_with_a_request_goes_no_further(fleet: Fleet) -> None:
    smuggled = b"GET /ready HTTP/1.1\r\nHost: shop\r\n\r\n"
    sent = b"GET %s HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (
        PATH.encode(),
        TAIL,
        len(smuggled),
        smuggled,
    )
    answer = fleet.exchange(sent)
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.startswith(b"HTTP/1.1 200 ")
