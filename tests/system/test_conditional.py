"""Conditional requests against the running service: what they cost, and that they are right."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from tests.catalogue import Rows, load_catalogue, write_catalogue
from tests.conftest import PATIENT, Database
from tests.sessions import connect, session
from tests.system.service import Client, serving
from tests.waiting import wait_for

PATHS = ["/products", "/products/1", "/products/1/styles", "/products/1/related"]
READERS = 4


def rows_of(name: str) -> Rows:
    """Return a catalogue of one product whose every answer tells which catalogue it is."""
    number = sum(map(ord, name))
    return {
        "products": [(1, name, name, name, name, "1"), (number, name, None, None, None, "1")],
        "styles": [(1, 1, name, None, "1", True)],
        "related": [(1, 1, number)],
    }


def publish(database: Database, name: str, folder: Path) -> None:
    load_catalogue(database.etl, write_catalogue(folder / name, rows_of(name)), folder)


@pytest.fixture(params=["gthread", "greenlet"])
def worker_class(request: pytest.FixtureRequest) -> str:
    """Each of those that know a load's number for a while."""
    return request.param


@pytest.fixture
def logged(database: Database) -> Iterator[None]:
    """Has the server log every statement of the service's new sessions."""
    with session(database) as cursor:
        cursor.execute("ALTER ROLE products_app SET log_statement = 'all'")
        yield
        cursor.execute("ALTER ROLE products_app RESET log_statement")


def executed(database: Database, since: int) -> list[str]:
    """Return the names of the prepared statements that the server has logged since that byte."""
    log = database.server.log.read_bytes()[since:].decode("utf-8", "replace")
    # as psycopg2 sends them, and as libpq's pipeline mode does
    return re.findall(r"LOG:  (?:statement: EXECUTE|execute) (\w+)", log)


@pytest.mark.usefixtures("logged")
def test_a_304_runs_no_product_query(database: Database, tmp_path: Path, worker_class: str) -> None:
    publish(database, "A", tmp_path)
    settings = PATIENT | {"GUNICORN_WORKERS": "1", "GUNICORN_WORKER_CLASS": worker_class}
    with serving(database, **settings) as service:
        tags = {path: service.get(path).headers["ETag"] for path in PATHS}
        began = database.server.log.stat().st_size
        started = time.monotonic()
        rounds = 0
        while time.monotonic() < started + 2.5 or rounds < 20:
            rounds += 1
            for path, tag in tags.items():
                assert service.get(path, {"If-None-Match": tag}).status == 304
        seconds = time.monotonic() - started
        service.get("/products/1")
        names = wait_for(lambda: (found := executed(database, began))[-1:] and found)
    assert names[-1] == "get_product"
    # Once a second the load's number is asked for, whatever the number of requests.
    assert set(names[:-1]) <= {"check_ready"}
    assert len(names[:-1]) <= seconds + 1


def test_a_new_body_within_a_second_of_a_load(database: Database, tmp_path: Path) -> None:
    publish(database, "A", tmp_path)
    with serving(database, **PATIENT) as service:
        for name in ("B", "C", "D"):
            before = {path: service.get(path).headers["ETag"] for path in PATHS}
            publish(database, name, tmp_path)
            time.sleep(1)
            for path, tag in before.items():
                for _ in range(8):  # both workers
                    reply = service.get(path, {"If-None-Match": tag})
                    assert reply.status == 200, path
                    assert reply.headers["ETag"] != tag


def test_no_body_under_anothers_tag(database: Database, tmp_path: Path, worker_class: str) -> None:
    """Readers revalidate what they hold while loads follow one another."""
    publish(database, "A", tmp_path)
    done = threading.Event()
    bodies: dict[tuple[str, str], set[bytes]] = {}
    kept = threading.Lock()

    def read(path: str) -> int:
        revalidated = 0
        with closing(Client(service.port)) as client:
            tag, body = "", b""
            while not done.is_set():
                reply = client.get(path, {"If-None-Match": tag} if tag else {})
                if reply.status == 304:
                    assert reply.headers["ETag"] == tag
                    revalidated += 1
                else:
                    assert reply.status == 200
                    tag, body = reply.headers["ETag"], reply.body
                with kept:
                    bodies.setdefault((path, tag), set()).add(body)
        return revalidated

    def are_shown(loads: int) -> bool:
        return len(bodies) >= loads * len(PATHS)

    with (
        serving(database, GUNICORN_WORKER_CLASS=worker_class, **PATIENT) as service,
        ThreadPoolExecutor(READERS) as threads,
    ):
        readers = [threads.submit(read, path) for path in PATHS]
        try:
            wait_for(partial(are_shown, 1))
            for count, name in enumerate(("B", "A", "C", "A"), 2):
                publish(database, name, tmp_path)
                time.sleep(1.2)  # by then every worker has asked which load it is
                wait_for(partial(are_shown, count))
        finally:
            done.set()
        assert all(reader.result() > 0 for reader in readers)
    assert all(len(each) == 1 for each in bodies.values())
    # Five loads were shown, on each path under a tag of its own.
    assert len(bodies) == 5 * len(PATHS)


def rename(cursor: psycopg2.extensions.cursor, name: str, other: str) -> bool:
    """End a database's sessions and rename it; return whether nobody was just connecting."""
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    cursor.execute(ending, [name])
    try:
        cursor.execute(f"ALTER DATABASE {name} RENAME TO {other}")
    except psycopg2.errors.ObjectInUse:
        return False
    return True


def test_after_the_restore_of_an_older_database(
    database: Database, tmp_path: Path, worker_class: str
) -> None:
    """Load 2 is loaded, lost with the server's disk, and another load becomes number 2."""
    publish(database, "A", tmp_path)
    backup = f"{database.name}_backup"
    with closing(connect(database.server.url())) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {backup} TEMPLATE {database.name}")
            cursor.execute(f"GRANT CREATE ON DATABASE {backup} TO products_owner")
        publish(database, "B", tmp_path)
        with serving(database, GUNICORN_WORKER_CLASS=worker_class, **PATIENT) as service:
            held = {path: service.get(path) for path in PATHS}
            with server.cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
                wait_for(partial(rename, cursor, database.name, f"{database.name}_lost"))
                cursor.execute(f"ALTER DATABASE {backup} RENAME TO {database.name}")
            time.sleep(1)
            for path, old in held.items():
                reply = service.get(path, {"If-None-Match": old.headers["ETag"]})
                assert (reply.status, reply.headers["ETag"][:3]) == (200, '"1-')
            publish(database, "C", tmp_path)
            time.sleep(1)
            for path, old in held.items():
                reply = service.get(path, {"If-None-Match": old.headers["ETag"]})
                assert reply.headers["ETag"].startswith('"2-')
                assert old.headers["ETag"].startswith('"2-')
                assert (reply.status, b"C" in reply.body or path.endswith("related")) == (200, True)
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {database.name}_lost WITH (FORCE)")


def test_without_a_database_there_is_no_304(database: Database, tmp_path: Path) -> None:
    publish(database, "A", tmp_path)
    with serving(database, GUNICORN_WORKERS="1", **PATIENT) as service:
        tag = service.get("/products/1").headers["ETag"]
        with closing(psycopg2.connect(database.server.url())) as server:
            server.autocommit = True
            with server.cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [database.name],
                )
                time.sleep(1)
                assert service.get("/products/1", {"If-None-Match": tag}).status == 503
                cursor.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
        assert wait_for(lambda: service.get("/products/1", {"If-None-Match": tag}).status == 304)
