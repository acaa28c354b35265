"""The peers answer as this service does: the same bodies, and the same headers."""

import http.client
import json
from collections.abc import Callable, Iterator

import pytest

from benchmarks.contestants import LOGS, competing
from benchmarks.servers import ask
from benchmarks.subject import warm
from benchmarks.turns import HttpContestant
from tests.benchmarks.bench import PRODUCTS, loaded
from tests.conftest import Database
from tests.programs import ROOT

pytestmark = pytest.mark.slow

PATHS = ("/products/1", "/products/7/styles", "/products/7/related", "/products?page=2")
LAST = f"/products?page={PRODUCTS // 5}"
PEERS = ("express", "express-prepared", "fastify", "fastify-pipelined", "fastapi")
# What frameworks add by themselves, or how they tell the length.
OWN = {"server", "date", "connection", "keep-alive", "content-length", "transfer-encoding"}


@pytest.fixture(scope="module")
def servers(
    clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, HttpContestant]]:
    """This service and its peers, running on the same catalogue."""
    small = loaded(clone(), tmp_path_factory.mktemp("small"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        urls = {"app": small.app, "etl": small.etl, "admin": small.admin}
        with warm(urls) as subject, competing(("gthread", *PEERS), subject) as running:
            yield running


def headers_of(found: http.client.HTTPMessage) -> dict[str, str]:
    return {name.lower(): value for name, value in found.items() if name.lower() not in OWN}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("path", [*PATHS, LAST])
def test_peers_answer_as_this_service(
    servers: dict[str, HttpContestant], peer: str, path: str
) -> None:
    ours = ask(servers["gthread"].server.port, path)
    theirs = ask(servers[peer].server.port, path)
    assert (ours[0], theirs[0]) == (200, 200)
    # Express reads the JSON and writes it anew.
    if peer.startswith("express"):
        assert json.loads(theirs[2]) == json.loads(ours[2])
    else:
        assert theirs[2] == ours[2]
    expected, found = headers_of(ours[1]), headers_of(theirs[1])
    assert found.keys() == expected.keys()
    for name in expected.keys() - {"etag", "x-request-id"}:
        assert found[name].partition(";")[0] == expected[name].partition(";")[0], name
    assert len(found["etag"]) == len(expected["etag"])
    assert len(found["x-request-id"]) == len(expected["x-request-id"])


@pytest.mark.parametrize("peer", PEERS)
def test_peers_know_what_is_not_there(servers: dict[str, HttpContestant], peer: str) -> None:
    for path in ("/products/999999", "/products/999999/styles"):
        assert ask(servers[peer].server.port, path)[0] == 404


def log_line(name: str, port: int) -> dict[str, object]:
    """Return the last line that a server's log has of an answer; some write many at a time."""
    for _ in range(200):
        ask(port, "/products/1")
        lines = (LOGS / f"{name}.log").read_text("utf-8").splitlines()
        if found := [line for line in lines if '"/products/1"' in line and line.endswith("}")]:
            # in JavaScript a millisecond is 1, and not 1.0
            return json.loads(found[-1], parse_int=float)
    raise AssertionError(f"{name} logs nothing")


@pytest.mark.parametrize("peer", PEERS)
def test_peers_log_as_this_service(servers: dict[str, HttpContestant], peer: str) -> None:
    ours, theirs = (log_line(name, servers[name].server.port) for name in ("gthread", peer))
    shapes = ({key: type(value) for key, value in line.items()} for line in (ours, theirs))
    assert next(shapes) == next(shapes)
    for key in ("level", "event", "method", "path", "status"):
        assert theirs[key] == ours[key]
