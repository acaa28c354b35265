"""What a steady load sees of a database that is restarted, frozen, cut off or slowed."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.conftest import Database, migrated
from tests.servers import throwaway
from tests.system.chaos import (
    LONGEST,
    PRODUCTS,
    RECOVERY,
    assert_every_host_is_asked,
    assert_no_worker_was_replaced,
    fill,
)
from tests.system.fleet import Fleet, cluster
from tests.system.load import Load, load
from tests.system.proxy import Proxy

pytestmark = pytest.mark.slow

# Asked 20 times a second, and never younger than what may be shown without asking: the two
# settings are short, so that a test need not wait 40 s for what is kept to expire.
KEPT = "/products/1"
SHORT = {"CACHE_MAX_AGE": "1", "CACHE_STALE_WHILE_REVALIDATE": "0"}
OUTAGE = 4.0  # seconds
# What is refused because the database is known to be away, and what a busy machine adds.
AT_ONCE = 0.5


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A loaded database on a server of its own."""
    with throwaway() as server:
        database = migrated(server)
        fill(database, tmp_path_factory.mktemp("load"))
        yield database


@pytest.fixture(scope="module")
def proxy(database: Database) -> Iterator[Proxy]:
    with Proxy(database.server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def fleet(database: Database, proxy: Proxy) -> Iterator[Fleet]:
    """Four hosts that reach their database through the proxy."""
    with cluster(database, DATABASE_URL=proxy.url(database), **SHORT) as fleet:
        yield fleet


def endure(fleet: Fleet, outage: AbstractContextManager[None]) -> tuple[Load, float, float]:
    """Have an outage under load; return the load, and when the outage began and had ended."""
    with load(fleet.port, PRODUCTS, path=KEPT) as run:
        # what is kept has expired once
        time.sleep(2)
        began = time.time()
        with outage:
            time.sleep(OUTAGE)
        ended = time.time()
        time.sleep(RECOVERY)
    return run, began, ended


def check(fleet: Fleet, run: Load, began: float, ended: float) -> None:
    """Hold what holds of every outage: answers in time, what is kept shown, all well after it."""
    print(
        f"slowest {run.longest:.2f} s, meanwhile {run.statuses(since=began, until=ended)}, "
        f"first success {run.first_success(ended):.2f} s after"
    )
    assert run.statuses(until=began - LONGEST).keys() == {200}
    assert set(run.statuses(since=began - LONGEST)) <= {200, 503, 504}
    assert run.malformed == 0
    assert run.longest < LONGEST
    assert run.statuses("cached").keys() == {200}
    assert run.first_success(ended) < RECOVERY
    assert run.statuses(since=ended + RECOVERY).keys() == {200}
    assert_every_host_is_asked(fleet)
    assert_no_worker_was_replaced(fleet)


@contextmanager
def stopped(database: Database, how: signal.Signals) -> Iterator[None]:
    database.server.stop(how)
    try:
        yield
    finally:
        database.server.start()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_restart(fleet: Fleet, database: Database, how: signal.Signals) -> None:
    since = len(fleet.log())
    run, began, ended = endure(fleet, stopped(database, how))
    check(fleet, run, began, ended)
    # at once, and nothing but: there is nobody to wait for
    refused = run.select(since=began + 1, until=ended - 1)
    assert {answer.status for answer in refused} == {503}
    assert sorted(each.seconds for each in refused)[round(0.95 * len(refused))] < AT_ONCE
    shown = Counter(entry["cache"] for entry in fleet.log()[since:] if entry["path"] == KEPT)
    # Fresh for a second, and for another one where a host could still say that it had not changed:
    # half of what is asked in the rest.
    assert shown["STALE"] > 10 * (OUTAGE - 2), shown


def test_a_frozen_database(fleet: Fleet, database: Database) -> None:
    run, began, ended = endure(fleet, database.server.frozen())
    check(fleet, run, began, ended)
    assert run.statuses(since=began + 1, until=ended - 1).keys() <= {503, 504}


OUTAGES: dict[str, Callable[[Proxy], AbstractContextManager[None]]] = {
    "a silent port": Proxy.silent,
    "an unroutable port": Proxy.unroutable,
    "each packet 0.2 s late": lambda proxy: proxy.slow(0.2),
    "each packet 1 s late": lambda proxy: proxy.slow(1),
}


@pytest.mark.parametrize("what", OUTAGES)
def test_a_way_that_leads_nowhere(fleet: Fleet, proxy: Proxy, what: str) -> None:
    check(fleet, *endure(fleet, OUTAGES[what](proxy)))
