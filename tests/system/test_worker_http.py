"""HTTP/1.1 as the greenlet worker speaks it, byte by byte."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from products_service.serving.conversation import ANSWER_SECONDS
from tests.system.probe import BIG
from tests.system.probing import probe
from tests.system.service import PROBLEM, Service
from tests.system.wire import Wire
from tests.waiting import wait_for

Dial = Callable[[], Wire]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with probe() as service:
        yield service


@pytest.fixture
def wire(service: Service) -> Iterator[Wire]:
    with Wire(service.port) as wire:
        yield wire


def assert_problem(wire: Wire, status: int) -> None:
    """Hold that it refuses, and then closes."""
    message = wire.read()
    assert message.status == status
    assert message.headers["Content-Type"] == PROBLEM
    assert message.headers["Connection"] == "close"
    assert message.headers["Date"].endswith(" GMT")
    assert f'"status":{status},'.encode() in message.body
    assert wire.is_closed()


# Connections


def test_connection_is_kept(wire: Wire) -> None:
    first = wire.ask("/live")
    assert first.line == "HTTP/1.1 200 OK"
    assert first.headers["Connection"] == "keep-alive"
    assert first.headers["Server"] == "gunicorn"
    assert first.headers["Date"].endswith(" GMT")
    assert wire.ask("/live").body == first.body


@pytest.mark.parametrize(
    "fields",
    [
        ["Connection: close"],
        ["Connection: Close"],
        ["Connection: TE, close"],
        ["Connection: keep-alive", "Connection: close"],
    ],
)
def test_connection_is_closed_when_asked(wire: Wire, fields: list[str]) -> None:
    assert wire.ask("/live", *fields).headers["Connection"] == "close"
    assert wire.is_closed()


def test_http_1_0_closes_unless_asked_to_keep(wire: Wire) -> None:
    wire.send(b"GET /live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    kept = wire.read()
    assert (kept.line, kept.headers["Connection"]) == ("HTTP/1.0 200 OK", "keep-alive")
    wire.send(b"GET /live HTTP/1.0\r\n\r\n")
    assert wire.read().headers["Connection"] == "close"
    assert wire.is_closed()


def test_requests_sent_at_once_are_answered_in_order(wire: Wire) -> None:
    wire.send(b"".join(b"GET /stream/%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(1, 50)))
    for count in range(1, 50):
        assert wire.read().body == b"".join(b"%d\n" % number for number in range(count))


def test_request_that_comes_in_drops(wire: Wire) -> None:
    for byte in b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":
        wire.send(bytes([byte]))
    assert wire.read().body == b"abc"


def test_line_that_ends_badly_is_refused_in_whatever_pieces_it_comes(wire: Wire) -> None:
    for piece in (b"GET /live HTTP/1.1\r", b"\nHost: x\r", b"\nA: b\n", b"C: d\r\n\r\n"):
        wire.send(piece)
        time.sleep(0.05)  # to come by itself
    assert wire.read().status == 400


def test_empty_line_before_a_request_is_ignored(wire: Wire) -> None:
    wire.send(b"\r\nGET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert wire.read().status == 200


# Answers


def test_head_is_a_get_without_its_body(wire: Wire) -> None:
    assert wire.ask("/big", method="HEAD").headers["Content-Length"] == str(BIG)
    assert "Transfer-Encoding" not in wire.ask("/stream/3", method="HEAD").headers
    assert wire.ask("/live").status == 200


@pytest.mark.parametrize(("status", "length"), [("204 No Content", False), ("304 X", True)])
def test_status_without_a_body(wire: Wire, status: str, length: bool) -> None:
    wire.get(f"/status/{status.replace(' ', '%20')}")
    message = wire.read(bodiless=True)
    assert message.line == f"HTTP/1.1 {status}"
    assert ("Content-Length" in message.headers) == length
    assert wire.ask("/live").status == 200


def test_body_of_unknown_length(service: Service, wire: Wire) -> None:
    message = wire.ask("/stream/3")
    assert message.headers["Transfer-Encoding"] == "chunked"
    assert message.body == b"0\n1\n2\n"
    wait_for(lambda: "stream closed" in service.log)
    assert wire.ask("/stream/0").body == b""
    # before chunks were known, the end of the connection was the end of the body
    wire.send(b"GET /stream/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    message = wire.read()
    assert message.headers["Connection"] == "close"
    assert message.body == b"0\n1\n2\n"


def test_write_callable(wire: Wire) -> None:
    assert wire.ask("/written").body == b"one two three"


def test_large_bodies(wire: Wire) -> None:
    assert wire.ask("/big").body == b"x" * BIG
    assert wire.ask("/file").body == b"".join(b"%07d\n" % number for number in range(BIG // 8))
    assert wire.ask("/live").status == 200


def test_answer_replaced_before_it_is_sent(wire: Wire) -> None:
    message = wire.ask("/replaced")
    assert (message.status, message.body) == (503, b"late")
    assert message.headers["Content-Length"] == "4"


def test_answer_that_fails_when_half_is_sent_is_cut_off(service: Service, wire: Wire) -> None:
    wire.get("/interrupted")
    assert wire.rest().endswith(b"\r\n\r\n4\r\nhalf\r\n")  # and no last chunk
    assert "after something was sent" in service.log


def test_defect_is_a_problem(service: Service, wire: Wire) -> None:
    wire.get("/boom")
    assert_problem(wire, 500)
    assert "a defect" in service.log


def test_body_shorter_than_its_length_ends_the_connection(wire: Wire) -> None:
    wire.get("/short")
    assert wire.rest().endswith(b"\r\n\r\nshort")


def test_body_longer_than_its_length_is_cut(wire: Wire) -> None:
    assert wire.ask("/long").body == b"long"
    assert wire.ask("/live").status == 200


@pytest.mark.parametrize(
    "query",
    [
        r"X=a\r\nSet-Cookie:%20b",
        r"X=a\nb",
        r"X=a\x00b",
        r"X=a\x7fb",
        r"X=\u0100",
        r"X\r\nY=a",
        r"X:=a",
        r"=a",
    ],
)
def test_header_that_would_be_another_is_a_defect(wire: Wire, query: str) -> None:
    wire.get(f"/header?{query}")
    assert_problem(wire, 500)


def test_headers_of_the_connection_are_not_the_application_s(wire: Wire) -> None:
    for field in ("Connection=close", "Transfer-Encoding=chunked", "Server=x", "Date=never"):
        message = wire.ask(f"/header?{field}")
        assert message.headers["Content-Length"] == "0"
        assert message.headers["Server"] == "gunicorn"


@pytest.mark.parametrize("status", ["20", "200 OK%0d%0aX: y", "abc"])
def test_status_that_is_none_is_a_defect(wire: Wire, status: str) -> None:
    wire.get(f"/status/{status.replace(' ', '%20')}")
    assert_problem(wire, 500)


# Bodies of requests

CHUNKED = "Transfer-Encoding: chunked"


def test_bodies_reach_the_application(wire: Wire) -> None:
    wire.get("/echo", "Content-Length: 5", method="POST")
    wire.send(b"he")
    wire.send(b"llo")
    assert wire.read().body == b"hello"
    wire.get("/echo", CHUNKED, method="POST")
    wire.send(b"3\r\nhel")
    wire.send(b"\r\n2;a=b\r\nlo\r\n0\r\nX-Trailer: x\r\n\r\n")
    assert wire.read().body == b"hello"
    assert wire.ask("/echo").body == b""


INNER = b"GET /boom HTTP/1.1\r\nHost: inside-a-body\r\n\r\n"


@pytest.mark.parametrize(
    ("field", "body"),
    [
        (f"Content-Length: {len(INNER)}", INNER),
        (CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(INNER), INNER)),
    ],
)
def test_body_that_is_not_read_is_not_taken_for_a_request(
    wire: Wire, field: str, body: bytes
) -> None:
    wire.get("/live", field, method="POST")
    wire.send(body)
    assert wire.read().status == 200
    assert wire.ask("/live").status == 200


def test_body_that_is_too_long_to_be_thrown_away_ends_the_connection(wire: Wire) -> None:
    wire.get("/live", f"Content-Length: {BIG}", method="POST")
    wire.send(b"x" * 100_000)
    reply = wire.read()
    assert (reply.status, reply.headers["Connection"]) == (200, "close")
    assert wire.is_closed()


def test_body_that_never_comes_is_not_waited_for_long(wire: Wire) -> None:
    wire.get("/live", "Content-Length: 5", method="POST")
    assert wire.read().status == 200
    wire.socket.settimeout(ANSWER_SECONDS / 2)
    assert wire.is_closed()


def test_body_whose_end_is_not_known_ends_the_connection(wire: Wire) -> None:
    wire.get("/live", CHUNKED, method="POST")
    wire.send(b"zzz\r\nGET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert wire.read().status == 200
    assert wire.is_closed()


def test_fields_behind_a_body_are_few(wire: Wire) -> None:
    """Also of the kind that gunicorn does not keep, and so does not count."""
    for number in (1_000, 5_000):
        wire.get("/live", CHUNKED, method="POST")
        with suppress(ConnectionError):  # it is not read to its end
            wire.send(b"0\r\n" + b"_:\r\n" * number + b"\r\n")
        assert wire.read().status == 200
    assert wire.is_closed()


def test_client_that_asks_before_it_sends_is_told_to_go_on(wire: Wire) -> None:
    wire.get("/echo", "Content-Length: 5", "Expect: 100-continue", method="POST")
    assert wire.read().line == "HTTP/1.1 100 Continue"
    wire.send(b"hello")
    assert wire.read().body == b"hello"
    # but not to send what nobody is going to read
    with Wire(wire.socket.getpeername()[1]) as other:
        other.get("/live", "Content-Length: 10000000", "Expect: 100-continue", method="POST")
        assert other.read().status == 200
        assert other.is_closed()
    wire.get("/echo", "Content-Length: 5", "Expect: miracles", method="POST")
    assert_problem(wire, 417)


# What is refused

REFUSED = {
    "nonsense": (b"nonsense\r\n\r\n", 400),
    "length and coding": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 400),
    "two lengths": (b"Content-Length: 4\r\nContent-Length: 5\r\n", 400),
    "signed length": (b"Content-Length: +4\r\n", 400),
    "coding that is not the last": (b"Transfer-Encoding: chunked, identity\r\n", 400),
    "coding with a tab": (b"Transfer-Encoding: \x0bchunked\r\n", 400),
    "unknown coding": (b"Transfer-Encoding: sparkling\r\n", 501),
    "folded": (b"A: b\r\n c\r\n", 400),
    "space before the colon": (b"A : b\r\n", 400),
    "bare line feed": (b"A: b\nContent-Length: 4\r\n", 400),
    "bare carriage return": (b"A: b\rContent-Length: 4\r\n", 400),
    "a long field": (b"A: " + b"b" * 9000 + b"\r\n", 431),
    "many fields": (b"A: b\r\n" * 200, 431),
    "many fields that are not kept": (b"_: b\r\n" * 200, 431),
}


def test_as_many_fields_as_there_may_be(wire: Wire) -> None:
    """Behind an empty line too, and however many requests come with the first one."""
    most = b"GET /live HTTP/1.1\r\nHost: x\r\n" + b"_: b\r\n" * 99 + b"\r\n"
    wire.send(most + b"\r\n" + most + b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
    for _ in range(202):
        assert wire.read().status == 200


@pytest.mark.parametrize(("length", "status"), [(64 * 1024, 200), (64 * 1024 + 1, 431)])
def test_as_long_a_head_as_there_may_be(wire: Wire, length: int, status: int) -> None:
    head = b"GET /live HTTP/1.1\r\nHost: x\r\n" + b"A: %s\r\n" % (b"b" * 8000) * 8
    last = length - len(head) - len(b"A: \r\n\r\n")
    wire.send(head + b"A: %s\r\n\r\n" % (b"b" * last))
    assert wire.read().status == status


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_refused_and_nothing_after_it_is_served(
    wire: Wire, name: str
) -> None:
    fields, status = REFUSED[name]
    wire.send(b"GET /live HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")
    wire.send(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert_problem(wire, status)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /" + b"a" * 100_000, 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, 431),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX-Host: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: user@shop/x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [::1]:port\r\n\r\n", 400),
        (b"GET / HTTP/1.9\r\nHost: x\r\n\r\n", 400),
        (b"GET *://live HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET live HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET live?:// HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET a:/live?:// HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http:///live HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://a#le/live HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"\r\n\r\n\r\n", 400),
    ],
)
def test_what_never_becomes_a_request_is_refused(wire: Wire, sent: bytes, status: int) -> None:
    wire.send(sent)
    assert_problem(wire, status)


# What the application sees


@pytest.mark.parametrize("host", ["", "shop", "a_b.example:8000", "127.0.0.1:", "[::1]:8000"])
def test_hosts_are_not_told_apart(wire: Wire, host: str) -> None:
    wire.send(f"GET /live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert wire.read().status == 200


def test_environment(wire: Wire, service: Service) -> None:
    fields = ("X-Twice: a", "X-Twice: b", "Content-Type: text/x", "X-Forwarded-Proto: https")
    environ = json.loads(wire.ask("/show/a%20b%ff?q=%20&r", *fields).body)
    assert environ["PATH_INFO"] == "/show/a b\xff"
    assert environ["QUERY_STRING"] == "q=%20&r"
    assert environ["RAW_URI"] == "/show/a%20b%ff?q=%20&r"
    assert environ["HTTP_X_TWICE"] == "a,b"
    assert environ["CONTENT_TYPE"] == "text/x"
    assert environ["wsgi.url_scheme"] == "https"  # this machine is trusted as a balancer
    assert environ["REMOTE_ADDR"] == environ["SERVER_NAME"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(service.port)
    assert environ["REMOTE_PORT"] == str(wire.socket.getsockname()[1])


def test_absolute_form(wire: Wire) -> None:
    environ = json.loads(wire.ask("http://shop.example/show/a?b").body)
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/show/a", "b")


def test_nothing_of_one_request_is_in_the_next(wire: Wire) -> None:
    assert "HTTP_X_ONCE" in json.loads(wire.ask("/show", "X-Once: a").body)
    assert "HTTP_X_ONCE" not in json.loads(wire.ask("/show").body)


def test_no_header_moves_the_path(wire: Wire) -> None:
    environ = json.loads(wire.ask("/show", "SCRIPT_NAME: /shop", "PATH_INFO: /live").body)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/show")
