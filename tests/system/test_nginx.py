"""nginx as it is shipped, before real hosts: what it keeps, whom it asks, and what it logs."""

import re
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tests.catalogue import publish
from tests.conftest import Database
from tests.sessions import catalogue_locked
from tests.system.fleet import NGINX, TAIL, Fleet, check_problem, cluster, receive_all
from tests.system.service import LOOPBACK, Client, Reply
from tests.waiting import HANG, wait_for

pytestmark = pytest.mark.slow

HOSTS = 4
# Long enough that the service compresses it.
ROWS = {
    "products": [(1, "Onesie", "Blend in", "Camouflage " * 200, "Jackets", "140")],
    "styles": [(1, 1, "Forest", None, "140", True)],
}
PATH = "/products/1"
# No cache knows it yet.
_fresh = iter(range(10**9))
GZIP = {"Accept-Encoding": "gzip"}
# The promise of the time budget.
LONGEST = 2.0


@pytest.fixture(scope="module")
def database(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    publish(shared_database.etl, ROWS, tmp_path_factory)
    return shared_database


@pytest.fixture(scope="module", params=list(NGINX))
def fleet(request: pytest.FixtureRequest, database: Database) -> Iterator[Fleet]:
    """A cluster with the shipped settings, on each version of nginx."""
    with cluster(database, HOSTS, request.param) as fleet:
        yield fleet


def uncached(path: str = PATH) -> str:
    """Return a URL of that path which nobody has asked for."""
    return f"{path}?fresh={next(_fresh)}"


# What it keeps.


COMPRESSED = ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.8", "deflate,gzip;q=0.001"]
COMPRESSED += ["*", "identity;q=0.5, *;q=0.1"]
PLAIN = [
    "",
    "identity",
    "br",
    "gzip;q=0",
    "br, gzip; q=0.0",
    "gzip;q=0, *",
    "*;q=0",
    "gzip-x, x-gzip",
]


def test_an_answer_is_kept_once_compressed_and_once_not(fleet: Fleet) -> None:
    path = uncached()

    def ask(spelling: str) -> Reply:
        return fleet.get(path, {"Accept-Encoding": spelling} if spelling else None)

    def tag(spellings: list[str], encoding: str | None) -> str:
        first = ask(spellings[0])
        # a busy machine may keep it only after the client has it
        wait_for(lambda: ask(spellings[0]).headers["X-Cache"] == "HIT")
        others = [ask(spelling) for spelling in spellings[1:]]
        assert first.headers["X-Cache"] == "MISS"
        assert {reply.headers["X-Cache"] for reply in others} == {"HIT"}
        replies = [first, *others]
        assert {reply.status for reply in replies} == {200}
        assert {reply.headers["Content-Encoding"] for reply in replies} == {encoding}
        assert {reply.headers["Vary"] for reply in replies} == {"Accept-Encoding"}
        assert len({(reply.headers["ETag"], reply.body) for reply in replies}) == 1
        return first.headers["ETag"]

    assert tag(COMPRESSED, "gzip") != tag(PLAIN, None)


def test_one_answer_is_kept_for_all_origins(fleet: Fleet) -> None:
    path = uncached()
    fleet.get(path)
    reply = fleet.get(path, {"Origin": "https://shop.example", "Cookie": "a=b"})
    assert reply.headers["X-Cache"] == "HIT"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


def test_what_a_client_has_is_not_sent_again(fleet: Fleet) -> None:
    path = uncached()
    tags = {encoding: fleet.get(path, {"Accept-Encoding": encoding}).headers["ETag"]
            for encoding in ("gzip", "identity")}  # fmt: skip
    before = fleet.counted(
        "products_request_duration_seconds_count", route="/products/<id:product_id>"
    )
    for encoding, tag in tags.items():
        for known in (tag, f"W/{tag}", f'"other", {tag}'):
            headers = {"Accept-Encoding": encoding, "If-None-Match": known}
            reply = fleet.get(path, headers)
            assert (reply.status, reply.body) == (304, b"")
            assert (reply.headers["X-Cache"], reply.headers["ETag"]) == ("HIT", tag)
    other = {"If-None-Match": tags["gzip"]}
    assert fleet.get(path, other).status == 200
    after = fleet.counted(
        "products_request_duration_seconds_count", route="/products/<id:product_id>"
    )
    assert after == before


def test_head_is_answered_from_the_same_entry(fleet: Fleet) -> None:
    path = uncached()
    got = fleet.get(path)
    answer = fleet.exchange(
        f"HEAD {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"X-Cache: HIT" in head
    assert b"Content-Length: %d\r\n" % len(got.body) in head
    assert body == b""


def test_pages_are_not_kept_but_not_sent_again_either(fleet: Fleet) -> None:
    page = fleet.get("/")
    assert page.headers["X-Cache"] is None
    again = fleet.get("/", {"If-None-Match": page.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


def test_errors_are_not_kept(fleet: Fleet) -> None:
    for path in ("/products/2", "/products/x", "/products?count=0"):
        for _ in range(2):
            reply = fleet.get(path)
            assert reply.is_problem
            assert reply.headers["X-Cache"] == "MISS"
            assert reply.headers["Cache-Control"] == "no-store"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Lets this process have a thousand connections and more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_who_ask_for_a_cold_product_cost_one_query(fleet: Fleet) -> None:
    path, count = uncached("/products/1/styles"), 1000
    before = statements_run(fleet, "get_styles")
    request = f"GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(socket.create_connection((LOOPBACK, fleet.port), HANG)))
            for _ in range(count)
        ]
        for connection in connections:
            connection.sendall(request)
        answers = Counter(receive_all(connection).split(b"\r\n")[0] for connection in connections)
    assert answers == {b"HTTP/1.1 200 OK": count}
    assert statements_run(fleet, "get_styles") == before + 1


def test_who_waits_for_a_cold_product_does_not_wait_long(fleet: Fleet, database: Database) -> None:
    path = uncached("/products/1/related")
    with catalogue_locked(database):
        replies = fleet.service.get_all([path] * 12)
    for reply in replies:
        assert reply.is_problem
        assert reply.status in (503, 504)
        assert reply.seconds < LONGEST


def statements_run(fleet: Fleet, name: str) -> float:
    return sum(fleet.counted("products_statement_duration_seconds_count", statement=name).values())


# Who is asked.


def test_hosts_get_equal_shares_on_connections_that_are_used_again(fleet: Fleet) -> None:
    paths = [uncached() for _ in range(400)]
    with closing(Client(fleet.port)) as client:
        # one of each worker of nginx and of each host
        for _ in range(40):
            client.get(uncached())
        before = fleet.upstream_connections()
        for path in paths:
            assert client.get(path).headers["X-Cache"] == "MISS"
        opened = fleet.upstream_connections() - before
    hosts = Counter(entry["upstream"] for entry in logged(fleet, paths))
    assert set(hosts) == {f"{host}:{fleet.port}" for host in fleet.hosts}
    share = len(paths) / HOSTS
    assert all(abs(count - share) <= 0.05 * share for count in hosts.values()), hosts
    assert len(opened) < 10


def logged(fleet: Fleet, paths: list[str]) -> list[dict]:
    """Return the balancer's log of these requests, which comes a second late."""
    wanted = set(paths)

    def find() -> list[dict] | None:
        found = [entry for entry in fleet.log() if entry["path"] in wanted]
        return found if len(found) >= len(paths) else None

    return wait_for(find)


# Hosts that do not answer.


@pytest.fixture
def with_hosts(fleet: Fleet) -> Iterator[Callable[[list[str]], None]]:
    """Has nginx ask other hosts than it should."""
    listed = fleet.nginx / "nginx" / "hosts.conf"
    shipped = listed.read_text()

    def ask(addresses: list[str]) -> None:
        listed.write_text("".join(f"server {address};\n" for address in addresses))
        fleet.reload()

    yield ask
    listed.write_text(shipped)
    fleet.reload()


def test_without_a_host_it_says_so_at_once(
    fleet: Fleet, with_hosts: Callable[[list[str]], None]
) -> None:
    with_hosts([f"127.0.0.9:{fleet.port}", f"127.0.0.10:{fleet.port}"])
    for _ in range(8):  # also when both are marked as failed
        started = time.monotonic()
        answer = fleet.exchange(f"GET {uncached()} HTTP/1.1\r\n".encode() + TAIL + b"\r\n")
        assert time.monotonic() - started < 0.5
        check_problem(answer, 503)
        assert b'"urn:problem-type:no-host-available"' in answer
        assert b"\r\nX-Cache: MISS\r\n" in answer


def test_half_of_the_hosts_down_fails_nobody(
    fleet: Fleet, with_hosts: Callable[[list[str]], None]
) -> None:
    """Also not when both are tried again, each second."""
    dead = [f"127.0.0.{number}:{fleet.port} fail_timeout=1s" for number in (9, 10)]
    with_hosts([*dead, *(f"{host}:{fleet.port}" for host in fleet.hosts[:2])])
    end = time.monotonic() + 5
    statuses = set()
    while time.monotonic() < end:
        statuses.add(fleet.get(uncached()).status)
        time.sleep(0.01)
    assert statuses == {200}


def test_hosts_that_hang_are_given_up_in_time(
    fleet: Fleet, with_hosts: Callable[[list[str]], None]
) -> None:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(2)]
        with_hosts(["{}:{}".format(*listener.getsockname()) for listener in listeners])
        started = time.monotonic()
        answer = fleet.exchange(f"GET {uncached()} HTTP/1.1\r\n".encode() + TAIL + b"\r\n")
        assert 1.7 < time.monotonic() - started < LONGEST
    check_problem(answer, 504)
    assert b'"urn:problem-type:gateway-timeout"' in answer


def test_a_host_that_hangs_costs_time_and_no_error(
    fleet: Fleet, with_hosts: Callable[[list[str]], None]
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        hanging = "{}:{}".format(*listener.getsockname())
        with_hosts([hanging, f"{fleet.hosts[0]}:{fleet.port}"])
        replies = fleet.service.get_all([uncached() for _ in range(12)])
    assert [reply.status for reply in replies] == [200] * 12
    assert max(reply.seconds for reply in replies) < LONGEST


# How a request is known, and what is said of it.


def test_every_answer_has_an_id_of_its_own(fleet: Fleet) -> None:
    path = uncached()
    ids = [fleet.get(path).headers["X-Request-ID"] for _ in range(5)]
    ids += [fleet.get(path, {"If-None-Match": "*"}).headers["X-Request-ID"]]
    ids += [fleet.get(other).headers["X-Request-ID"] for other in ("/ready", "/live", "/nothing")]
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", [PATH, "/ready", "/products/x", "/live"])
def test_an_id_that_comes_with_a_request_is_kept_if_it_is_a_valid_one(
    fleet: Fleet, path: str
) -> None:
    for given in ("mine", "A-1_b.c", "x" * 128):
        reply = fleet.get(path, {"X-Request-ID": given})
        assert reply.headers.get_all("X-Request-ID") == [given]
        assert reply.status == 200 or f'"urn:request:{given}"'.encode() in reply.body
    for given in ("", "x" * 129, "a b", 'a"b', "\u00e4", "a/b"):
        reply = fleet.get(path, {"X-Request-ID": given.encode("latin-1").decode("latin-1")})
        assert re.fullmatch(r"[0-9a-f]{32}", reply.headers["X-Request-ID"])


def test_its_log_tells_of_each_request(fleet: Fleet) -> None:
    path = uncached()
    asked = fleet.get(path, {"X-Request-ID": "for-the-log"})
    fleet.get(path)
    fleet.exchange(b'nonsense "\\\xff\r\n\r\n')
    # each worker writes its own lines, a second late
    second, first = sorted(logged(fleet, [path] * 2), key=lambda entry: entry["cache"])
    assert first.keys() == second.keys()
    timestamp, upstream = first.pop("timestamp"), first.pop("upstream")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", timestamp)
    assert upstream.rpartition(":")[0] in fleet.hosts
    assert first.pop("seconds") == pytest.approx(float(first.pop("upstream_seconds")), abs=0.01)
    assert float(first.pop("upstream_connect_seconds")) >= 0
    assert first == {
        "request_id": "for-the-log",
        "client": LOOPBACK,
        "method": "GET",
        "path": path,
        "status": 200,
        "bytes": len(asked.body),
        "cache": "MISS",
        "upstream_status": "200",
    }
    assert (second["cache"], second["upstream"]) == ("HIT", "")
    # and every line is JSON, whatever was sent: log() has read them all
    assert any(entry["status"] == 400 for entry in fleet.log())


def test_the_hosts_log_the_same_id(fleet: Fleet) -> None:
    given = f"traced-{next(_fresh)}"
    fleet.get(uncached(), {"X-Request-ID": given})
    logs = list((fleet.nginx.parent / "hosts").glob("*/gunicorn.log"))
    # a worker writes its lines some times a second
    wait_for(lambda: any(given in log.read_text() for log in logs))
    assert sum(log.read_text().count(given) for log in logs) == 1
