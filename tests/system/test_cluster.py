"""flask cluster: the fleet on one machine, its commands, and what clients notice of a death."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from products_service import embedded, release
from products_service.cluster import nginx
from products_service.cluster.nginx import find_workers
from tests.catalogue import publish
from tests.conftest import PATIENT, Database
from tests.programs import ROOT, environment, free_port
from tests.servers import alive, checkout, children
from tests.system.fleet import Fleet, cluster
from tests.system.service import running
from tests.waiting import HANG, wait_for

HOSTS = 3
# How many clients ask, each on a new connection for each request.
CLIENTS = 3
ROWS = {"products": [(1, "Onesie", "Blend in", "Camouflage", "Jackets", "140")]}


@pytest.fixture(scope="module")
def fleet(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    publish(shared_database.etl, ROWS, tmp_path_factory)
    with cluster(shared_database, HOSTS) as fleet:
        yield fleet


def processes_of(fleet: Fleet) -> set[int]:
    """Return every process of the members: masters and workers."""
    masters = [fleet.process_of(host) for host in fleet.hosts]
    masters.append(int((fleet.nginx / "nginx.pid").read_text()))
    return {each for master in masters for each in (master, *children(master))}


# Its commands.


def test_from_nothing_to_a_served_catalogue_and_back() -> None:
    port = free_port()
    with checkout() as folder:
        devdb = folder / ".devdb"
        env = environment(None, PORT=str(port), DEVDB_DIR=str(devdb), **PATIENT)
        argv = [sys.executable, "-m", "flask", "cluster", "up", "--hosts", "2"]
        with running(argv, port, cwd=ROOT, env=env) as service:
            fleet = Fleet(service, devdb / "cluster", 2, env)
            assert service.get("/products/1").headers["X-Cache"] == "MISS"
            assert re.fullmatch(
                r"nginx 127\.0\.0\.1 +serves\n"
                r"127\.0\.0\.11 +ready, load 1 \(process \d+\)\n"
                r"127\.0\.0\.12 +ready, load 1 \(process \d+\)\n",
                fleet.command("cluster", "status"),
            )
            assert fleet.command("cluster", "up", status=1) == (
                "Error: a cluster runs already: `flask cluster down` stops it\n"
            )
            everyone = processes_of(fleet)
            assert len(everyone) >= 2 * 3 + 2
            assert fleet.command("cluster", "down") == "the cluster is stopped\n"
            assert service.process.wait(HANG) == 0
            assert not any(map(alive, everyone))
            assert service.log.count("serves, as process") == 3
            assert f"\nserving on http://127.0.0.1:{port}/\n" in service.log
            assert service.log.endswith("stopped by SIGTERM\n")
        assert embedded.status(devdb).pid is None
        for command in ("status", "down"):
            assert "no cluster runs here" in fleet.command("cluster", command, status=1)


@pytest.mark.slow
def test_make_clean_stops_it() -> None:
    port = free_port()
    with checkout() as folder:
        for name in ("Makefile", *release.HOST, *release.BALANCER):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").symlink_to(sys.prefix)
        env = environment(None, PORT=str(port), PYTHONPATH=str(ROOT))
        argv = [sys.executable, "-m", "flask", "cluster", "up", "--hosts", "2"]
        with running(argv, port, cwd=folder, env=env) as service:
            everyone = processes_of(Fleet(service, folder / ".devdb" / "cluster", 2, env))
            subprocess.run(["make", "clean"], cwd=folder, env=env, timeout=HANG, check=True)
            assert service.process.wait(HANG) == 0
            assert not any(map(alive, everyone))
        assert not (folder / ".devdb").exists()


@pytest.mark.slow
def test_when_it_is_killed_nothing_of_it_is_left(shared_database: Database) -> None:
    with cluster(shared_database, 2) as fleet:
        everyone = processes_of(fleet)
        fleet.service.process.kill()
        wait_for(lambda: not any(map(alive, everyone)))


def test_more_hosts_than_the_database_has_connections_for_are_refused(
    shared_database: Database,
) -> None:
    env = environment(shared_database, PORT=str(free_port()))
    with checkout() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "cluster", "up", "--hosts", "24"],
            cwd=ROOT,
            env=env | {"DEVDB_DIR": str(folder / ".devdb")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG,
            check=False,
        )
    assert done.returncode == 1
    assert "24 x 2 x 4 (hosts x GUNICORN_WORKERS x DB_POOL_SIZE)" in done.stderr
    assert "raise max_connections" in done.stderr


def test_without_nginx_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(nginx, "SYSTEM_FOLDER", str(tmp_path))
    monkeypatch.setattr(nginx.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(nginx.NginxError, match=r"apt-get install nginx.*\[balancer\]"):
        nginx.find_program()


@pytest.mark.slow
def test_a_host_that_is_none_is_said(fleet: Fleet) -> None:
    said = fleet.command("cluster", "kill", "127.0.0.99", status=1)
    assert f"no host 127.0.0.99: there are {', '.join(fleet.hosts)}" in said


@pytest.mark.slow
def test_a_host_that_is_frozen_does_not_serve(fleet: Fleet) -> None:
    host = fleet.hosts[0]
    master = fleet.process_of(host)
    everyone = [master, *children(master)]
    try:
        for each in everyone:
            os.kill(each, signal.SIGSTOP)
        assert f"{host}      does not answer\n" in fleet.command("cluster", "status", status=1)
    finally:
        for each in everyone:
            os.kill(each, signal.SIGCONT)

    def serves_again() -> bool:
        with suppress(AssertionError):  # that it was not status 0
            return bool(fleet.command("cluster", "status"))
        return False

    wait_for(serves_again)


# What clients notice of its commands; of all else, test_chaos_hosts.py.


@contextmanager
def asked_all_the_time(fleet: Fleet) -> Iterator[Counter]:
    """Have clients ask for what no cache has, as long as the block runs; count the statuses.

    Each request has a connection of its own: nginx closes idle ones when it reads its files anew.
    """
    statuses, done = Counter(), threading.Event()

    def ask(client: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            path = f"/products/1?{client}-{number}-{time.monotonic_ns()}"
            try:
                statuses[fleet.get(path).status] += 1
            except OSError as error:
                statuses[repr(error)] += 1

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        yield statuses
        time.sleep(0.5)
    finally:
        done.set()
        for thread in threads:
            thread.join()


def kill_host(fleet: Fleet, host: str) -> None:
    """The host is killed with all its processes, as when its machine loses power."""
    before = fleet.process_of(host)
    fleet.command("cluster", "kill", host)
    fleet.wait_for_another(host, before)


def drain_host(fleet: Fleet, host: str) -> None:
    """The host is drained and restarted."""
    before = fleet.process_of(host)
    said = fleet.command("cluster", "drain", host)
    assert said.startswith(f"draining gunicorn, process {before}, for 2 s")
    fleet.wait_for_another(host, before)


def refresh(fleet: Fleet, _: str) -> None:
    """The cache begins anew."""
    fleet.command("cache", "refresh")


@pytest.mark.slow
@pytest.mark.parametrize("happen", [kill_host, drain_host, refresh])
def test_no_request_fails_while(fleet: Fleet, happen: Callable[[Fleet, str], None]) -> None:
    with asked_all_the_time(fleet) as statuses:
        happen(fleet, fleet.hosts[1])
    assert set(statuses) == {200}, statuses
    assert statuses[200] > 50


@pytest.mark.slow
def test_a_killed_nginx_comes_back(fleet: Fleet) -> None:
    master = int((fleet.nginx / "nginx.pid").read_text())
    workers = find_workers(master)
    os.kill(master, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, workers)))
    wait_for(fleet.service.is_live)
    assert "nginx 127.0.0.1 was ended by SIGKILL; starts again in 1 s" in fleet.service.log


@pytest.mark.slow
def test_what_happened_is_said_in_a_line_each(fleet: Fleet) -> None:
    host = fleet.hosts[2]
    before = fleet.process_of(host)
    fleet.command("cluster", "kill", host)
    fleet.wait_for_another(host, before)
    after = fleet.process_of(host)
    lines = fleet.service.log
    wait_for(lambda: f"{host}      serves, as process {after}" in fleet.service.log)
    assert f"{host}      serves, as process {before}\n" in lines
    assert f"{host}      was ended by SIGKILL; starts again in 1 s; its log is " in lines
