"""More requests than the fleet can answer: it answers as many as before, and refuses the rest."""

import time
from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.system.chaos import LONGEST, PRODUCTS, assert_every_host_is_asked, fill
from tests.system.fleet import Fleet, cluster
from tests.system.load import find_capacity, load
from tests.system.proxy import Proxy
from tests.system.resources import MEGABYTE, take_stock

pytestmark = pytest.mark.slow

# What a statement takes longer, so that the pools are what is scarce: the load generator runs on
# the same processors, and would take from the hosts what they are measured by.
STATEMENT = 0.12  # seconds
OVERLOAD = 12.0  # seconds
TIMES = 3
GOODPUT = 0.8  # of the most that the fleet answers
CALM = 20  # requests a second, of those that ask before, meanwhile and after
SLOWEST = 1.0  # seconds, of 99 in 100 that are accepted
NORMAL_AGAIN = 5.0
# How much more memory all may take meanwhile: buffers of connections that wait.
GROWTH = 64 * MEGABYTE
POOLS = 4 * 4  # hosts, connections of each


@pytest.fixture(scope="module")
def proxy(shared_database: Database) -> Iterator[Proxy]:
    with Proxy(shared_database.server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def fleet(
    shared_database: Database, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Four hosts of one worker each, whose database is some way off."""
    fill(shared_database, tmp_path_factory.mktemp("load"))
    url = proxy.url(shared_database)
    with cluster(shared_database, DATABASE_URL=url, GUNICORN_WORKERS="1") as fleet:
        yield fleet


def test_overload(fleet: Fleet, proxy: Proxy, shared_database: Database) -> None:
    with proxy.slow(STATEMENT / 2):
        most = find_capacity(fleet.port, PRODUCTS)
        with load(fleet.port, PRODUCTS, rate=CALM) as calm:
            time.sleep(2)
            before = take_stock(fleet, shared_database)
            with load(
                fleet.port, PRODUCTS, rate=round(TIMES * most), users=4000, tail=OVERLOAD
            ) as run:
                began = time.time()
            ended = time.time()
            meanwhile = take_stock(fleet, shared_database)
            time.sleep(NORMAL_AGAIN + 3)
    good = run.goodput(began, began + OVERLOAD)
    accepted = run.percentile(0.99, since=began)
    print(f"most {most:.0f}/s, at {TIMES} times that {good:.0f}/s, 99 % in {accepted:.3f} s")
    print(f"{run.statuses(since=began)}; before {before}; after {meanwhile}")
    assert len(run.select(since=began)) > 0.9 * TIMES * most * OVERLOAD
    assert good >= GOODPUT * most
    assert accepted < SLOWEST
    assert run.longest < LONGEST
    assert set(run.statuses(since=began)) <= {200, 429, 503}
    assert run.malformed == 0
    assert meanwhile.hosts + meanwhile.balancer < before.hosts + before.balancer + GROWTH
    assert meanwhile.sessions <= POOLS
    again = calm.select(since=ended + NORMAL_AGAIN)
    assert len(again) > CALM
    assert {answer.status for answer in again} == {200}
    assert_every_host_is_asked(fleet)
