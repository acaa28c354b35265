"""No request of a steady load fails, whatever single host, worker or connection dies."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Database
from tests.servers import children
from tests.sessions import session
from tests.system.chaos import (
    PRODUCTS,
    assert_every_host_is_asked,
    assert_none_failed,
    fill,
    shares,
)
from tests.system.fleet import Fleet, cluster
from tests.system.load import RATE, load
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def publish(
    shared_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], None]:
    """Loads the catalogue anew."""
    return lambda: fill(shared_database, tmp_path_factory.mktemp("load"))


@pytest.fixture(scope="module")
def fleet(shared_database: Database, publish: Callable[[], None]) -> Iterator[Fleet]:
    """Four hosts with the shipped settings."""
    publish()
    with cluster(shared_database) as fleet:
        yield fleet


# What may happen.


def kill_master(fleet: Fleet) -> None:
    host = fleet.hosts[1]
    before = fleet.process_of(host)
    os.kill(before, signal.SIGKILL)
    fleet.wait_for_another(host, before)


def kill_worker(fleet: Fleet) -> None:
    master = fleet.process_of(fleet.hosts[2])
    before = set(children(master))
    os.kill(min(before), signal.SIGKILL)
    wait_for(lambda: len(now := set(children(master))) == len(before) and now != before)


def restart_each(fleet: Fleet) -> None:
    for host in fleet.hosts:
        before = fleet.process_of(host)
        os.kill(before, signal.SIGTERM)
        fleet.wait_for_another(host, before)


def hang_up_each(fleet: Fleet) -> None:
    for host in fleet.hosts:
        master = fleet.process_of(host)
        before = set(children(master))
        os.kill(master, signal.SIGHUP)
        wait_for(lambda master=master, before=before: not before & set(children(master)))


def reload_nginx(fleet: Fleet) -> None:
    for _ in range(3):
        fleet.reload()


@pytest.mark.parametrize(
    "happen", [kill_master, kill_worker, restart_each, hang_up_each, reload_nginx]
)
def test_no_request_fails(fleet: Fleet, happen: Callable[[Fleet], None]) -> None:
    with load(fleet.port, PRODUCTS) as run:
        began = time.time()
        happen(fleet)
        ended = time.time()
    assert_none_failed(fleet, run)
    assert len(run.select(since=began - 1, until=ended + 2)) > RATE
    assert_every_host_is_asked(fleet)


def test_no_request_fails_when_the_database_ends_every_session(
    fleet: Fleet, shared_database: Database
) -> None:
    of_the_service = "datname = current_database() AND application_name = 'products_service'"
    with load(fleet.port, PRODUCTS) as run, session(shared_database) as cursor:

        def are_there() -> bool:
            """Whether each worker has one at least: it opens none before somebody asks it.

            The balancer may have found that one worker's connections are enough.
            """
            for host in fleet.hosts:
                fleet.ask_host(host, "/products/1")
            cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {of_the_service}")
            return cursor.fetchone()[0] >= 2 * len(fleet.hosts)

        for _ in range(3):
            wait_for(are_there)
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                f"WHERE {of_the_service}"
            )
            assert len(cursor.fetchall()) >= 2 * len(fleet.hosts)
            time.sleep(1)
    assert_none_failed(fleet, run)


def test_no_request_fails_while_the_catalogue_is_published(
    fleet: Fleet, publish: Callable[[], None]
) -> None:
    before = fleet.counted("products_load_number")
    with load(fleet.port, PRODUCTS) as run:
        for _ in range(3):
            publish()
    after = fleet.counted("products_load_number")
    assert_none_failed(fleet, run)
    assert all(after[host] > before[host] for host in fleet.hosts)


def test_hosts_get_equal_shares_on_few_connections(fleet: Fleet) -> None:
    with load(fleet.port, PRODUCTS) as run:
        since = len(fleet.log())
        before = fleet.upstream_connections()
        time.sleep(10)
        opened = fleet.upstream_connections() - before
        counts = shares(fleet, since)
    share = sum(counts.values()) / len(fleet.hosts)
    assert_none_failed(fleet, run)
    assert share > 2 * RATE
    assert set(counts) == set(fleet.hosts)
    assert all(abs(count - share) <= 0.05 * share for count in counts.values()), counts
    # a few a second: of 100 requests each host answers 25
    assert len(opened) < 3 * 10, len(opened)
