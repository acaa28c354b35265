"""Reads go to standbys, and elsewhere when one is gone: a primary and a standby, both real."""

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psycopg2
import pytest

from products_service.database import Database, servers, sessions
from products_service.statements import Statement
from tests.conftest import Database as Catalogue
from tests.servers import Server, query, standby_of, throwaway
from tests.system.proxy import Proxy
from tests.unit.opening import opened
from tests.waiting import HANG, wait_for

STATEMENTS = {
    statement.name: statement
    for statement in [
        Statement("place", (), "SELECT 7, 'digest', pg_is_in_recovery()::text AS body"),
        Statement(
            "hold",
            (),
            "SELECT 7, 'digest', (SELECT count(pg_sleep(5)) FROM held) || ' '"
            " || pg_is_in_recovery() AS body",
        ),
    ]
}
STANDBY, PRIMARY = "true", "false"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary and its standby, which lets no statement keep it from replaying."""
    with throwaway() as primary:
        query(primary.url(), "CREATE TABLE held AS SELECT 1 AS number")
        with standby_of(primary) as standby:
            standby.settings["max_standby_streaming_delay"] = "0"
            standby.restart()
            yield primary, standby


@pytest.fixture
def database(pair: tuple[Server, Server]) -> Iterator[Database]:
    """What reads from them, the primary named first."""
    hosts = ",".join(str(server.sockets) for server in pair)
    url = f"postgresql://postgres@/postgres?host={hosts}&target_session_attrs=prefer-standby"
    with opened(url, STATEMENTS, pool_size=4) as database:
        yield database


def where(database: Database) -> str | None:
    """Return who answers one request."""
    return database.fetch("place").body


def test_reads_go_to_the_standby_alone(database: Database) -> None:
    assert {where(database) for _ in range(20)} == {STANDBY}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_standby_that_goes_costs_no_error_and_gets_its_share_when_it_is_back(
    pair: tuple[Server, Server],
    database: Database,
    how: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "_LIFETIME", 0.1)
    monkeypatch.setattr(servers, "FAILED_FOR", 0.2)
    _, standby = pair
    assert {where(database) for _ in range(8)} == {STANDBY}
    standby.stop(how)
    try:
        assert {where(database) for _ in range(8)} == {PRIMARY}
    finally:
        standby.start()
    wait_for(lambda: {where(database) for _ in range(8)} == {STANDBY})


def test_a_statement_in_the_way_of_the_standbys_changes_is_run_elsewhere(
    pair: tuple[Server, Server], database: Database
) -> None:
    primary, standby = pair
    assert where(database) == STANDBY
    with ThreadPoolExecutor() as threads, closing(psycopg2.connect(standby.url())) as connection:
        connection.autocommit = True
        cursor = connection.cursor()

        def is_held() -> bool:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            return cursor.fetchone() is not None

        held = threads.submit(database.fetch, "hold")
        wait_for(is_held)
        query(primary.url(), "TRUNCATE held")
        assert held.result().body == f"0 {PRIMARY}"


def test_a_session_that_is_idle_keeps_its_way_open(shared_database: Catalogue) -> None:
    with (
        Proxy(shared_database.server) as proxy,
        opened(proxy.url(shared_database), {"place": STATEMENTS["place"]}, pool_size=1) as database,
    ):
        assert where(database) == PRIMARY
        with way_of(database) as way:
            assert way.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert way.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


@pytest.mark.parametrize(("servers", "milliseconds"), [(1, HANG * 1000), (2, 100)])
def test_what_a_server_does_not_acknowledge_is_given_up(
    shared_database: Catalogue, servers: int, milliseconds: int
) -> None:
    """In a tenth of a second where there is another one to ask."""
    with Proxy(shared_database.server) as proxy:
        address = urlsplit(proxy.url(shared_database)).netloc.rpartition("@")[2]
        url = (
            f"postgresql://products_app@{','.join([address] * servers)}/{shared_database.name}"
            "?target_session_attrs=prefer-standby"
        )
        with opened(url, {"place": STATEMENTS["place"]}, pool_size=1) as database:
            assert where(database) == PRIMARY
            with way_of(database) as way:
                given = way.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert given == milliseconds


@contextmanager
def way_of(database: Database) -> Iterator[socket.socket]:
    """Yield the socket of its only connection."""
    (connection,) = database._pool._pool._idle_cache
    with socket.socket(fileno=os.dup(connection.dbapi_connection.fileno())) as way:
        yield way
