"""What the balancer's cache shows after a new load, and while the hosts fail; with short times."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.servers import children
from tests.sessions import catalogue_locked
from tests.system.fleet import NGINX, Fleet, cluster
from tests.system.named_loads import Publish, another, publishing
from tests.system.service import Client, Reply
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

FRESH, STALE = 2, 3  # seconds of max-age and of stale-while-revalidate
# The age of a load number that a 304 may rest on, and nginx's clock of whole seconds.
CLOCKS = 2


@pytest.fixture(scope="module")
def database(shared_database: Database) -> Database:
    return shared_database


@pytest.fixture(scope="module")
def publish(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Publish:
    return publishing(database, tmp_path_factory)


@pytest.fixture(scope="module")
def short(database: Database, publish: Publish) -> Iterator[Fleet]:
    """A cluster whose answers expire while one waits for it."""
    settings = {"CACHE_MAX_AGE": str(FRESH), "CACHE_STALE_WHILE_REVALIDATE": str(STALE)}
    with cluster(database, hosts=2, **settings) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def fleet(database: Database, publish: Publish) -> Iterator[Fleet]:
    """A cluster with the shipped settings, as far as they are about the cache."""
    with cluster(database, hosts=2) as fleet:
        yield fleet


def states(fleet: Fleet, path: str, *waits: float) -> list[str]:
    """Ask now and after each of the waits; return what X-Cache says."""
    found = [state_of(fleet.get(path))]
    for seconds in waits:
        time.sleep(seconds)
        found.append(state_of(fleet.get(path)))
    return found


def state_of(reply: Reply) -> str:
    assert reply.status == 200
    return reply.headers["X-Cache"]


def test_an_expired_answer_is_shown_while_one_request_asks_for_another(short: Fleet) -> None:
    path = another()
    assert states(short, path, 0, FRESH + 1.2) == ["MISS", "HIT", "STALE"]
    wait_for(lambda: state_of(short.get(path)) == "HIT")


def test_what_has_not_changed_is_not_sent_again(short: Fleet) -> None:
    path = another()
    assert states(short, path, FRESH + STALE + 1.2, 0) == ["MISS", "REVALIDATED", "HIT"]
    sent = [entry for entry in logged(short, path, 3) if entry["cache"] == "REVALIDATED"]
    assert [entry["upstream_status"] for entry in sent] == ["304"]


def test_a_tag_of_what_the_cache_lacks_brings_the_whole_answer_into_it(fleet: Fleet) -> None:
    path = another()
    tag = fleet.ask_host(fleet.hosts[0], path).headers["ETag"]
    reply = fleet.get(path, {"If-None-Match": tag})
    assert (reply.status, reply.headers["X-Cache"]) == (304, "MISS")
    (entry,) = logged(fleet, path, 1)
    assert entry["upstream_status"] == "200"
    assert states(fleet, path) == ["HIT"]


def test_a_date_beside_a_tag_is_ignored(fleet: Fleet) -> None:
    path = another()
    tag = fleet.get(path).headers["ETag"]
    date = {"If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}
    for conditions, status, state in (
        (date | {"If-None-Match": tag}, 304, None),
        (date | {"If-None-Match": '"another|"'}, 200, None),
        (date, 200, "HIT"),
        # which are no valid ones, and for a host to judge all the same
        ({"If-Match": "|"}, 412, None),
        ({"If-Unmodified-Since": "|"}, 200, None),
        ({"If-None-Match": tag}, 304, "HIT"),
        ({"If-None-Match": f'"another|", {tag}'}, 304, "HIT"),
    ):
        reply = fleet.get(path, conditions)
        assert (reply.status, reply.headers.get("X-Cache")) == (status, state), conditions


@pytest.mark.parametrize("program", list(NGINX))
@pytest.mark.usefixtures("publish")
def test_no_condition_ends_a_worker_of_nginx(database: Database, program: str) -> None:
    """Not even one on an expired answer, which is when a host is asked whether it still holds."""
    settings = {"CACHE_MAX_AGE": "1", "CACHE_STALE_WHILE_REVALIDATE": "0"}
    with cluster(database, 2, program, **settings) as fleet:
        master = int((fleet.nginx / "nginx.pid").read_text())
        workers = sorted(children(master))
        paths = [another() for _ in range(5)]
        tag, *_ = [fleet.get(path).headers["ETag"] for path in paths]
        time.sleep(3)
        with closing(Client(fleet.port)) as client:
            refused = client.get(paths[0], {"If-Match": '"another"'})
            assert (refused.status, "X-Cache" in refused.headers) == (412, False)
            assert client.get(paths[0], {"If-Match": tag}).status == 200
            assert client.get(paths[0], {"If-Match": tag, "If-None-Match": tag}).status == 304
            since = {"If-Unmodified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}
            assert client.get(paths[1], since).status == 200
            assert client.get(paths[2]).headers["X-Cache"] == "REVALIDATED"
        for path, name in zip(paths[3:], ("If-Match", "If-Unmodified-Since"), strict=True):
            sent = f"GET {path} HTTP/1.1\r\nHost: shop\r\n{name}:\r\nConnection: close\r\n\r\n"
            assert fleet.exchange(sent.encode()).startswith(b"HTTP/1.1 412 ")
        assert sorted(children(master)) == workers


def test_a_large_answer_is_not_kept(
    fleet: Fleet, database: Database, tmp_path: Path, publish: Publish
) -> None:
    rows = [(number, "x" * 1000, None, None, None, "1") for number in range(1, 101)]
    folder = write_catalogue(tmp_path / "large", {"products": rows})
    load_catalogue(database.etl, folder, tmp_path)
    try:
        large = another("/products?count=100")
        assert len(fleet.get(large).body) > 100_000
        assert states(fleet, large, 0) == ["MISS", "MISS"]
        assert states(fleet, another("/products?count=10"), 0) == ["MISS", "HIT"]
    finally:
        publish("first")


def logged(fleet: Fleet, path: str, count: int) -> list[dict]:
    return wait_for(
        lambda: (
            found
            if len(found := [entry for entry in fleet.log() if entry["path"] == path]) >= count
            else None
        )
    )


def test_a_new_load_is_shown_by_itself_in_time(short: Fleet, publish: Publish) -> None:
    path = another()
    publish("before")
    assert b"before" in short.get(path).body
    publish("after")
    published = time.monotonic()
    # asked all the time, so that it never is older than what may be shown while it is replaced
    wait_for(lambda: b"after" in short.get(path).body)
    assert time.monotonic() - published < FRESH + STALE + CLOCKS


def test_while_the_hosts_fail_what_they_said_last_is_shown(
    short: Fleet, database: Database
) -> None:
    path = another()
    fresh = short.get(path)
    time.sleep(FRESH + STALE + 1.2)
    with catalogue_locked(database):
        failed = short.get(another())
        shown = short.get(path)
    assert failed.status in (503, 504)
    assert failed.is_problem
    assert (shown.status, shown.headers["X-Cache"]) == (200, "STALE")
    assert (shown.body, shown.headers["ETag"]) == (fresh.body, fresh.headers["ETag"])
    wait_for(lambda: short.get(path).headers["X-Cache"] == "HIT")


def test_without_a_host_what_they_said_last_is_shown(short: Fleet) -> None:
    path = another()
    fresh = short.get(path)
    listed = short.nginx / "nginx" / "hosts.conf"
    shipped = listed.read_text()
    time.sleep(FRESH + STALE + 1.2)
    listed.write_text(f"server 127.0.0.9:{short.port};\n")
    try:
        short.reload()
        shown = short.get(path)
        assert (state_of(shown), shown.body) == ("STALE", fresh.body)
        assert short.get(another()).status == 503
    finally:
        listed.write_text(shipped)
        short.reload()


def test_each_listed_origin_gets_its_own_answer(database: Database, publish: Publish) -> None:
    ours, theirs = "https://shop.example", "https://other.example"
    listed = [ours, "https://desk.example"]
    with cluster(database, hosts=1, CORS_ORIGINS=" ".join(listed)) as fleet:
        lines = ['default "";', *(f"{origin} {origin};" for origin in listed)]
        (fleet.nginx / "nginx" / "origins.conf").write_text("\n".join(lines))
        fleet.reload()
        path = another()
        for origin, state in [(ours, "MISS"), (theirs, "MISS"), (ours, "HIT"), ("null", "HIT")]:
            reply = fleet.get(path, {"Origin": origin})
            assert state_of(reply) == state
            allowed = origin if origin in listed else None
            assert reply.headers["Access-Control-Allow-Origin"] == allowed
            refused = fleet.get("/ready", {"Origin": origin})
            assert refused.headers["Access-Control-Allow-Origin"] == allowed
