"""`flask cache refresh`: nothing that was kept before is shown, and what fails changes nothing."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import RemoteDisconnected
from pathlib import Path

import pytest

from products_service.cluster import nginx
from tests.conftest import Database
from tests.system.fleet import Fleet, cluster
from tests.system.named_loads import Publish, another, publishing
from tests.system.service import Client, Reply

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def publish(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Publish:
    return publishing(shared_database, tmp_path_factory)


@pytest.fixture(scope="module")
def fleet(shared_database: Database, publish: Publish) -> Iterator[Fleet]:
    with cluster(shared_database, hosts=2) as fleet:
        yield fleet


def test_a_refresh_shows_the_new_load_at_once_and_no_body_under_anothers_tag(
    fleet: Fleet, publish: Publish
) -> None:
    paths = [another() for _ in range(20)]
    headers = [{}, {"Accept-Encoding": "gzip"}]
    seen: dict[tuple[str, str], set[bytes]] = {}
    done = threading.Event()

    def read() -> None:
        with closing(Client(fleet.port)) as client:
            while not done.is_set():
                for path in paths:
                    for header in headers:
                        with suppress(RemoteDisconnected, ConnectionResetError):
                            note(client.get(path, header), path)

    def note(reply: Reply, path: str) -> None:
        assert reply.status == 200
        seen.setdefault((path, reply.headers["ETag"]), set()).add(reply.body)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for name in ("one", "two", "three"):
            publish(name)
            fleet.command("cache", "refresh")
            for path in paths:
                for header in headers:
                    reply = fleet.get(path, header)
                    note(reply, path)
                    plain = fleet.get(path).body
                    assert name.encode() in plain
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert {len(bodies) for bodies in seen.values()} == {1}
    # the first load, three published, each compressed and not
    assert len(seen) >= len(paths) * 2 * 3


def test_a_refresh_that_nginx_refuses_changes_nothing(fleet: Fleet) -> None:
    path = another()
    fleet.get(path)
    listed = fleet.nginx / "nginx" / "hosts.conf"
    shipped = listed.read_text()
    generation = fleet.nginx / "nginx" / "generation.conf"
    before = generation.read_text()
    listed.write_text("no such directive;\n")
    try:
        said = fleet.command("cache", "refresh", status=1)
    finally:
        listed.write_text(shipped)
    assert 'unknown directive "no"' in said
    assert generation.read_text() == before
    assert fleet.get(path).headers["X-Cache"] == "HIT"


def test_a_refresh_of_an_nginx_that_ends_meanwhile_changes_nothing(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = fleet.nginx / "nginx" / "generation.conf"
    before = generation.read_text()

    def check(_: Path) -> None:
        assert generation.read_text() != before
        gone = subprocess.Popen(["true"])
        gone.wait()
        monkeypatch.setattr(nginx, "find_master", lambda _: gone.pid)

    monkeypatch.setattr(nginx, "check", check)
    with pytest.raises(nginx.NginxError, match="nginx has ended meanwhile"):
        nginx.refresh_cache(fleet.nginx)
    assert generation.read_text() == before


def test_a_refresh_that_nginx_was_told_of_stays(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = another()
    fleet.get(path)
    generation = fleet.nginx / "nginx" / "generation.conf"
    before = generation.read_text()
    monkeypatch.setattr(nginx, "find_workers", lambda _: {0})
    monkeypatch.setattr(nginx, "RELOAD_SECONDS", 0.5)
    with pytest.raises(nginx.NginxError, match="goes on with its old configuration"):
        nginx.refresh_cache(fleet.nginx)
    assert generation.read_text() != before
    monkeypatch.undo()
    fleet.command("cache", "refresh")
    assert fleet.get(path).headers["X-Cache"] == "MISS"


def test_without_a_cluster_a_refresh_says_so(tmp_path: Path, fleet: Fleet) -> None:
    nowhere = Fleet(fleet.service, tmp_path, 0, {"DEVDB_DIR": str(tmp_path)})
    assert "no nginx runs in" in nowhere.command("cache", "refresh", status=1)
