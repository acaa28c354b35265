"""What the service answers while its database is slow, busy, frozen, gone or broken."""

import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.catalogue import publish
from tests.conftest import PATIENT, Database, janitor, migrated
from tests.servers import Server, alive, children, throwaway
from tests.sessions import catalogue_locked, count_sessions, count_waiting, session
from tests.system.faults import (
    AT_ONCE,
    DEADLINE,
    PATHS,
    assert_problem,
    assert_unconcerned,
)
from tests.system.service import Service, serving
from tests.waiting import wait_for

ROWS = {
    "products": [(1, "Onesie", "Blend in", "Camouflage", "Jackets", "140")],
    "features": [(1, 1, "Fabric", "Canvas")],
    "styles": [(1, 1, "Forest", None, "140", True)],
    "photos": [(1, 1, "https://e.example/1", "https://e.example/1t")],
    "skus": [(1, 1, "XS", 8)],
    "related": [(1, 1, 1)],
}
POOL = 4  # the shipped size, of each worker


@pytest.fixture(scope="module")
def database(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A loaded database."""
    return filled(shared_database, tmp_path_factory)


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A loaded database on a server of its own, which tests may freeze, stop and kill."""
    with throwaway() as server:
        yield filled(migrated(server), tmp_path_factory)


def filled(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    publish(database.etl, ROWS, tmp_path_factory)
    return database


def warm_up(service: Service, database: Database, workers: int = 1) -> None:
    """Have every connection of every pool opened."""
    # never answered together, so that each of those under way takes one
    paths = ["/products"] * 4 * POOL * workers

    def is_warm() -> bool:
        service.get_all(paths)
        # one that was asked nothing yet is about to prepare its statements
        return count_sessions(database, "state = 'idle' AND query <> ''") == POOL * workers

    wait_for(is_warm)


# Slow: a statement runs into its time limit.


CANCELED = re.compile(
    r"ERROR:  canceling statement due to statement timeout\n.*STATEMENT:  (?:EXECUTE|PREPARE) (\w+)"
)


@pytest.mark.parametrize("worker_class", ["gthread", "greenlet"])
def test_statement_that_times_out_runs_once_and_is_504(
    clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory, worker_class: str
) -> None:
    logging = filled(clone(), tmp_path_factory)
    with session(logging) as cursor:
        cursor.execute(f"ALTER DATABASE {logging.name} SET log_statement = 'all'")
    # long enough for what waits for nobody
    limits = PATIENT | {"DB_STATEMENT_TIMEOUT_MS": "2000"}
    workers = {"GUNICORN_WORKERS": "1", "GUNICORN_WORKER_CLASS": worker_class}
    with serving(logging, **limits, **workers) as service:
        warm_up(service, logging)
        logged = len(logging.server.log.read_text())
        with catalogue_locked(logging):
            for reply in service.get_all(PATHS):
                assert_problem(reply, 504)
        log = logging.server.log.read_text()[logged:]
        canceled = Counter(CANCELED.findall(log))
        assert [reply.status for reply in service.get_all(PATHS)] == [200] * len(PATHS)
        opened = logging.server.log.read_text()[logged:].count("LOG:  statement: SET")
    if worker_class == "gthread":
        assert canceled == {
            "list_products": 1,
            "get_product": 1,
            "get_styles": 1,
            "get_related": 1,
        }
        # The connections are as good as before, and nothing was opened in their place.
        assert opened == 0
    else:
        # those for products may share one; of two on one connection the second had not begun
        # when it was asked for elsewhere, and that connection is closed
        assert canceled["list_products"] == 1
        assert 2 <= canceled.total() <= 4
        assert opened <= 1


@pytest.mark.slow
def test_statement_that_times_out_is_answered_within_the_deadline(database: Database) -> None:
    with serving(database) as service:
        warm_up(service, database, workers=2)
        with catalogue_locked(database):
            for _ in range(4):
                for reply in service.get_all(PATHS):
                    assert_problem(reply, 503, 504)
                    assert reply.seconds < DEADLINE


# Busy: every connection of the pool is in use.


@contextmanager
def full_pools(database: Database, workers: int) -> Iterator[Service]:
    """Run a service of that many workers, each of whose connections waits for the block's end."""
    with (
        serving(database, GUNICORN_WORKERS=str(workers), **PATIENT) as service,
        ThreadPoolExecutor(100) as threads,
    ):
        warm_up(service, database, workers)
        replies = []
        with catalogue_locked(database):

            def is_full() -> bool:
                # Which worker gets a request is the kernel's choice; a full one refuses it.
                if count_waiting(database) == POOL * workers:
                    return True
                replies.append(threads.submit(service.get, "/products/1"))
                return False

            wait_for(is_full)
            yield service
        statuses = Counter(reply.result().status for reply in replies)
        # one may have come with another, in a batch
        assert statuses[200] >= POOL * workers
        assert set(statuses) <= {200, 503}


@pytest.mark.parametrize("workers", [1, 2])
def test_full_pool_refuses_and_all_else_is_answered(database: Database, workers: int) -> None:
    with full_pools(database, workers) as service:
        for reply in service.get_all(PATHS * 4):
            assert_problem(reply, 503)
            assert b"busy" in reply.body
        assert_problem(service.get("/ready"), 503)
        assert_unconcerned(service)
        assert count_waiting(database) == POOL * workers


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_full_pool_refuses_at_once(database: Database, workers: int) -> None:
    with full_pools(database, workers) as service:
        for path in PATHS * 10:
            reply = service.get(path)
            assert_problem(reply, 503)
            assert reply.seconds < AT_ONCE
        assert_unconcerned(service, AT_ONCE)


# Frozen: every process of the server is stopped, and the kernel keeps its sockets alive.


def test_frozen_database(fragile: Database) -> None:
    with serving(fragile) as service:
        warm_up(service, fragile, workers=2)
        with fragile.server.frozen():
            for _ in range(2):
                for reply in service.get_all(PATHS):
                    assert_problem(reply, 503, 504)
            assert_problem(service.get("/ready"), 503, 504)
            assert_unconcerned(service)
        for path in [*PATHS, "/ready"]:
            service.wait_for_status(200, path)


@pytest.mark.slow
def test_frozen_database_is_answered_for_within_the_deadline(fragile: Database) -> None:
    with serving(fragile) as service:
        warm_up(service, fragile, workers=2)
        with fragile.server.frozen():
            end = time.monotonic() + 5
            while time.monotonic() < end:
                with service.asked(PATHS * 3) as replies:
                    assert_unconcerned(service, AT_ONCE)
                for reply in replies:
                    assert_problem(reply.result(), 503, 504)
                    assert reply.result().seconds < DEADLINE
        thawed = time.monotonic()
        service.wait_for_status(200, "/products/1")
        assert time.monotonic() - thawed < 2


# Restarted, stopped, killed: the sessions are lost, and there is nobody to make new ones.


def assert_same_processes(service: Service) -> None:
    assert service.log.count("Booting worker") == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_stopped_database(fragile: Database, how: signal.Signals) -> None:
    with serving(fragile) as service:
        warm_up(service, fragile, workers=2)
        sessions = children(fragile.server.pid)
        fragile.server.stop(how)
        try:
            # A session of a killed server may answer once more before it sees that.
            wait_for(lambda: not any(map(alive, sessions)))
            service.wait_for_status(503, "/products/1")
            for path in [*PATHS, "/ready"] * 2:
                assert_problem(service.get(path), 503)
            assert_unconcerned(service)
        finally:
            fragile.server.start()
        for path in [*PATHS, "/ready"]:
            service.wait_for_status(200, path)
        assert_same_processes(service)


def test_restarted_database_between_requests_costs_no_error(fragile: Database) -> None:
    with serving(fragile, **PATIENT) as service:
        warm_up(service, fragile, workers=2)
        fragile.server.restart()
        for _ in range(4):
            assert [reply.status for reply in service.get_all(PATHS)] == [200] * len(PATHS)
        assert_same_processes(service)


def test_terminated_sessions_cost_no_error(database: Database) -> None:
    with serving(database, **PATIENT) as service:
        warm_up(service, database, workers=2)
        with session(database) as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'products_service'"
            )
            assert cursor.fetchall() == [(True,)] * POOL * 2
        for _ in range(4):
            assert [reply.status for reply in service.get_all(PATHS)] == [200] * len(PATHS)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_service_answers_within_two_seconds_of_a_restart(
    fragile: Database, how: signal.Signals
) -> None:
    with serving(fragile) as service:
        warm_up(service, fragile, workers=2)
        fragile.server.stop(how)
        try:
            end = time.monotonic() + 2
            while time.monotonic() < end:
                for reply in service.get_all(PATHS):
                    assert reply.status in (200, 503)
                    assert reply.seconds < DEADLINE
        finally:
            fragile.server.start()
        started = time.monotonic()
        while any(reply.status != 200 for reply in service.get_all(PATHS)):
            assert time.monotonic() - started < 2
        assert_same_processes(service)


# Not there yet.


def test_server_that_comes_after_the_service(fragile: Database) -> None:
    fragile.server.stop()
    try:
        with serving(fragile) as service:
            for path in [*PATHS, "/ready"]:
                assert_problem(service.get(path), 503)
            assert_unconcerned(service)
            fragile.server.start()
            for path in [*PATHS, "/ready"]:
                service.wait_for_status(200, path)
            assert_same_processes(service)
    finally:
        if fragile.server.process is None:
            fragile.server.start()


def test_database_that_comes_after_the_service(server: Server, template: str) -> None:
    late = Database(server, "products_late")
    with serving(late) as service:
        for path in [*PATHS, "/ready"]:
            assert_problem(service.get(path), 503)
        assert_unconcerned(service)
        assert r"database \"products_late\" does not exist" in service.log
        with janitor(server, late.name, template):
            service.wait_for_status(200, "/ready")
            assert service.wait_for_status(200, "/products").body == b"[]"


# Broken: what only an operator or a developer can mend.


def test_unmigrated_database(server: Server, template: str) -> None:
    unmigrated = Database(server, "products_unmigrated")
    with janitor(server, unmigrated.name), serving(unmigrated) as service:
        for path in [*PATHS, "/ready"]:
            assert_problem(service.get(path), 503)
        assert_unconcerned(service)
        assert r"relation \"catalogue.published_load\" does not exist" in service.log


def test_defect_is_hidden_and_logged_with_its_request(
    clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = filled(clone(), tmp_path_factory)
    with serving(broken, GUNICORN_WORKERS="1", **PATIENT) as service:
        warm_up(service, broken)
        with session(broken) as cursor:
            cursor.execute("DROP TABLE catalogue.photos")
        reply = service.get("/products/1/styles", {"X-Request-ID": "what-failed-1"})
        assert_problem(reply, 500)
        assert b"photos" not in reply.body
        assert b'"instance":"urn:request:what-failed-1"' in reply.body
        assert reply.headers["X-Request-ID"] == "what-failed-1"
        assert '"event": "request failed"' in service.log
        assert '"request_id": "what-failed-1"' in service.log
        assert r"relation \"catalogue.photos\" does not exist" in service.log
        assert service.get("/products/1").status == 200
