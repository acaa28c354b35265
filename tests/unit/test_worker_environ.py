"""The greenlet worker's environment, parsed by settings that do not change, is gunicorn's own."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ConfigurationProblem, InvalidHeaderName, ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import create
from hypothesis import given
from hypothesis import strategies as st

from products_service.serving.environ import (
    Environments,
    connection_environ,
    request_environ,
    worker_environ,
)
from products_service.serving.requests import Requests
from products_service.serving.settings import frozen, settings_for_peer

TRUSTED = ("127.0.0.1", 40000)
STRANGER = ("203.0.113.9", 40000)
SERVER = ("127.0.0.1", 8000)
# What gives an application the socket itself, past its answer.
LEFT_OUT = {"gunicorn.socket", "wsgi.early_hints"}
# Objects that are made for each.
ALIVE = {"wsgi.input", "wsgi.errors"}

config = Config()


def theirs(sent: bytes, peer: tuple[str, int]) -> dict[str, Any]:
    request = Request(config, IterUnreader([sent]), peer)
    return create(request, None, peer, SERVER, config)[1]


def ours(sent: bytes, peer: tuple[str, int]) -> dict[str, Any]:
    settings = settings_for_peer(frozen(config), peer[0])
    request = Request(settings, IterUnreader([sent]), peer)
    return request_environ(connection_environ(worker_environ(config), peer, SERVER), request)


def assert_like(environ: dict[str, Any], expected: dict[str, Any]) -> None:
    assert environ.keys() == expected.keys() - LEFT_OUT
    for name in environ.keys() - ALIVE:
        assert environ[name] == expected[name], name


def assert_same(sent: bytes, peer: tuple[str, int]) -> None:
    expected = theirs(sent, peer)
    environ = ours(sent, peer)
    assert_like(environ, expected)
    for name in ALIVE:
        assert type(environ[name]) is type(expected[name])


SENT = {
    "plain": b"GET /products/1?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
    "old": b"GET / HTTP/1.0\r\n\r\n",
    "escaped": b"GET /a%20%ff%2f?%20 HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute": b"GET http://host:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "two slashes": b"GET //a//b HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment": b"GET /a?b#c HTTP/1.1\r\nHost: x\r\n\r\n",
    "body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Type: a/b\r\n\r\nhi",
    "repeated": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nX-B:\r\nX-A: 3\r\n\r\n",
    "forwarded": (
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
    ),
    "underscore": b"GET / HTTP/1.1\r\nHost: x\r\nX_A: dropped\r\n\r\n",
    "latin": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: \xe4\r\n\r\n",
}


@pytest.mark.parametrize("peer", [TRUSTED, STRANGER])
@pytest.mark.parametrize("name", SENT)
def test_environment_is_gunicorn_s(name: str, peer: tuple[str, int]) -> None:
    assert_same(SENT[name], peer)


@pytest.mark.parametrize("peer", [TRUSTED, STRANGER])
def test_only_a_trusted_peer_sets_the_prefix(peer: tuple[str, int]) -> None:
    sent = b"GET /shop/a HTTP/1.1\r\nSCRIPT_NAME: /shop\r\n\r\n"
    assert_same(sent, peer)
    assert ours(sent, peer)["SCRIPT_NAME"] == ("/shop" if peer is TRUSTED else "")


def test_prefix_that_is_not_the_path_s() -> None:
    sent = b"GET /a HTTP/1.1\r\nSCRIPT_NAME: /shop\r\n\r\n"
    for environ in (theirs, ours):
        with pytest.raises(ConfigurationProblem):
            environ(sent, TRUSTED)


def test_prefix_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/shop")
    assert_same(b"GET /shop/a HTTP/1.1\r\n\r\n", STRANGER)


def test_settings_decide_as_before() -> None:
    refusing = Config()
    refusing.set("header_map", "refuse")
    with pytest.raises(InvalidHeaderName):
        Request(frozen(refusing), IterUnreader([SENT["underscore"]]), STRANGER)


TOKEN = st.text("abcXYZ019-", min_size=1, max_size=8)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


@given(
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    fields=st.lists(st.tuples(TOKEN, VALUE), max_size=6),
)
def test_environment_of_anything_is_gunicorn_s(path: str, fields: list[tuple[str, str]]) -> None:
    lines = [f"GET /{path} HTTP/1.1", *(f"X-{name}: {value}" for name, value in fields), "\r\n"]
    assert_same("\r\n".join(lines).encode(), STRANGER)


def repeated(*heads: bytes) -> tuple[dict[str, Any], Request, int]:
    """Return what the last of a connection's heads makes, and how many of them were parsed."""
    settings = settings_for_peer(frozen(config), TRUSTED[0])
    requests = Requests(settings, IterUnreader([]), TRUSTED)
    environments = Environments(connection_environ(worker_environ(config), TRUSTED, SERVER))
    made = []
    for head in heads:
        request = requests.parse(head)
        environ = environments.make(request, requests.repeated_id)
        made.append(id(request.headers))
    return environ, request, len(set(made))


FIELDS = b" HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n\r\n"


@pytest.mark.parametrize("second", [name for name in SENT if name != "body"])
@pytest.mark.parametrize("fields", [FIELDS, b" HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_second_request_of_a_connection_is_gunicorn_s(second: str, fields: bytes) -> None:
    environ, request, _ = repeated(b"GET /first?c=d" + fields, SENT[second])
    assert_like(environ, theirs(SENT[second], TRUSTED))
    assert request.req_number == 2
    assert request.body.read() == b""


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        (b"GET /products/2", 1),
        (b"GET /products?page=2&count=5", 1),
        (b"GET /products/2?", 1),
        (b"GET /", 2),
        (b"GET //products/2", 2),
        (b"GET /products/2/", 2),
        (b"GET /a%20b", 2),
        (b"GET /a?q=a+b", 2),
        (b"GET /a#b", 2),
        (b"GET http://y/a", 2),
        (b"HEAD /a", 2),
        (b"POST /a", 2),
        (b"GET /" + b"a" * 101, 2),
    ],
)
def test_only_a_plain_line_goes_without_the_parser(line: bytes, parsed: int) -> None:
    environ, _, found = repeated(b"GET /first" + FIELDS, line + FIELDS)
    assert found == parsed
    assert_like(environ, theirs(line + FIELDS, TRUSTED))


FROM_BALANCER = b" HTTP/1.1\r\nOrigin: *\r\nX-Request-ID: %b\r\nHost: hosts\r\n\r\n"


@pytest.mark.parametrize(
    ("request_id", "parsed"),
    [
        (b"first", 1),
        (b"2nd.one_of-them", 1),
        (b"x" * 128, 1),
        (b"x" * 129, 2),
        (b"", 2),
        (b" blank", 2),
        (b"blank ", 2),
        (b"a b", 2),
        (b"a,b", 2),
        (b"\xe9", 2),
        (b"second\r\nX-Request-ID: third", 2),
        (b"second\r\nX-Other: 1", 2),
    ],
)
def test_balancer_s_requests_go_without_the_parser(request_id: bytes, parsed: int) -> None:
    second = b"GET /second" + FROM_BALANCER % request_id
    environ, request, found = repeated(b"GET /first" + FROM_BALANCER % b"first", second)
    assert found == parsed
    assert_like(environ, theirs(second, TRUSTED))
    assert request.headers == Request(config, IterUnreader([second]), TRUSTED).headers


@pytest.mark.parametrize(
    "fields",
    [
        b"X-Request-ID: %b\r\nX-Request-ID: first\r\n",
        b"X-Request-ID: first\r\nX-Request-ID: %b\r\n",
        b"x-request-id: first\r\nX-Request-ID: %b\r\n",
        b"X-Request-ID: %b\r\nx_request_id: first\r\n",
        b"X_Request-ID: first\r\nX-Request-ID: %b\r\n",
        b"X-Other: X-Request-ID: %b\r\nX-Request-ID: first\r\n",
        b"X-Request-ID:%b\r\n",
        b"X-REQUEST-ID: %b\r\n",
        b"X-Request-ID: %b\r\n",
    ],
)
def test_id_is_found_where_it_stands(fields: bytes) -> None:
    first, second = (
        b"GET /a HTTP/1.1\r\nHost: x\r\n" + fields % request_id + b"\r\n"
        for request_id in (b"first", b"2")
    )
    environ, *_ = repeated(first, second, first, second)
    assert_like(environ, theirs(second, TRUSTED))


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a HTTP/1.1 ",
        b"GET  /a HTTP/1.1",
        b"get /a HTTP/1.1",
        b"GET /a",
        b"GET a HTTP/1.1",
        b"GET /a HTTP/2.0",
        b"GET /a\tHTTP/1.1",
        b"GET /\xc3\xa4 HTTP/1.1",
    ],
)
def test_same_fields_excuse_no_line(line: bytes) -> None:
    fields = FIELDS.removeprefix(b" HTTP/1.1")
    with pytest.raises(ParseException):
        Request(config, IterUnreader([line + fields]), TRUSTED)
    with pytest.raises(ParseException):
        repeated(b"GET /first HTTP/1.1" + fields, line + fields)


def test_what_an_application_writes_stays_out_of_the_next_request() -> None:
    environments = Environments(connection_environ(worker_environ(config), TRUSTED, SERVER))
    requests = Requests(settings_for_peer(frozen(config), TRUSTED[0]), IterUnreader([]), TRUSTED)
    for line in (b"GET /1", b"GET /2?a=b", b"GET /3"):
        environ = environments.make(requests.parse(line + FIELDS), requests.repeated_id)
        expected = theirs(line + FIELDS, TRUSTED)
        assert environ.keys() == expected.keys() - LEFT_OUT
        assert environ["QUERY_STRING"] == expected["QUERY_STRING"]
        environ.update(PATH_INFO="/mine", HTTP_X_A="mine", mine=1)


def test_a_request_line_after_an_empty_one_is_no_field() -> None:
    first = b"\r\nGET /first" + FIELDS
    assert repeated(first)[1].path == "/first"
    with pytest.raises(ParseException):
        repeated(first, b"GET /second HTTP/1.1" + first)


def test_fields_are_not_taken_from_a_request_with_more_behind_its_head() -> None:
    settings = settings_for_peer(frozen(config), TRUSTED[0])
    unreader = IterUnreader([])
    requests = Requests(settings, unreader, TRUSTED)
    requests.parse(b"GET /first" + FIELDS + b"GET /second" + FIELDS)
    assert requests.parse(unreader.take_buffered()).path == "/second"
    assert requests.parse(b"GET /third" + FIELDS + b"GET /fourth" + FIELDS).path == "/third"
    assert unreader.take_buffered() == b"GET /fourth" + FIELDS
