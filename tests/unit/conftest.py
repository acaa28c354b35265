"""What the tests of the hub, of what waits in it, and of the data layer begin with."""

import socket
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import get_wait_callback, set_wait_callback

from products_service import waiting
from products_service.database import Database, checkouts, pipelines
from products_service.serving import hub as hubs
from products_service.serving.hub import Hub
from tests.servers import Server
from tests.unit.asking import STATEMENTS, Make, Uses, Worker
from tests.unit.hubs import Clock
from tests.waiting import HANG


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def clock(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(hub)
    monkeypatch.setattr(hubs, "time", clock)
    monkeypatch.setattr(hub, "_epoll", clock)
    return clock


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, peer = socket.socketpair()
    with ours, peer:
        ours.setblocking(False)
        yield ours, peer


@pytest.fixture
def installed(hub: Hub) -> Iterator[Hub]:
    """The process's way to wait."""
    waiting.install(hub)
    yield hub
    waiting.install(None)


@pytest.fixture
def nothing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a batch takes, others wait for it."""
    for limit in ("SLOW", "PATIENCE", "LONGEST"):
        monkeypatch.setattr(pipelines, limit, HANG)


@pytest.fixture
def worker(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make a worker with a patient database, but for what settings say."""
    monkeypatch.setattr(checkouts, "PATIENCE_IN_ONE_THREAD", HANG)
    monkeypatch.setattr(checkouts, "LONGEST_IN_ONE_THREAD", HANG)
    monkeypatch.setattr("products_service.database.pool.WARM_UP", HANG)
    made: list[Database] = []
    callback = get_wait_callback()
    hub = Hub()
    waiting.install(hub)

    def make(**settings: float) -> Worker:
        patient = {
            "pool_size": 1,
            "statement_timeout": HANG,
            "connect_timeout": HANG,
            "deadline": HANG,
            "retry_pause": HANG,
        }
        uses = Uses()
        database = Database(server.url(), STATEMENTS, **(patient | settings), observer=uses)
        made.append(database)
        database.warm_up()
        return Worker(server.url(), database, hub, uses)

    yield make
    for database in made:
        database.close()
    waiting.install(None)
    set_wait_callback(callback)


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """An empty database with a table that anyone could write."""
    with closing(psycopg2.connect(server.url())) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE data_layer")
        url = server.url(database="data_layer")
        with closing(psycopg2.connect(url)) as inside, inside:
            inside.cursor().execute("CREATE TABLE written (number integer)")
        yield url
        cursor.execute("DROP DATABASE data_layer WITH (FORCE)")


@pytest.fixture
def admin(url: str) -> Iterator["psycopg2.extensions.cursor"]:
    """A session beside the tested ones."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        yield connection.cursor()
