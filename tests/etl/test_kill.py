"""kill -9 of a load, and of PostgreSQL during one: the catalogue that is served stays whole."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from etl.connection import Connection
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database, migrated
from tests.etl.loads import (
    AS_IT_WAS,
    ROWS,
    rows_of,
    schemas,
    served,
    started,
    texts,
    watching,
)
from tests.servers import query, throwaway
from tests.sessions import connect
from tests.waiting import HANG, wait_for

# What the load's last statement looks like at the moments in which it is killed, in their order.
MOMENTS = {
    "making the first table": 'CREATE TABLE "catalogue_next"',
    "copying a small file": 'COPY "catalogue_next"."photos"',
    "copying a large file": 'COPY "catalogue_next"."skus"',
    "checking ids": 'ALTER TABLE "catalogue_next"."skus" ADD PRIMARY KEY',
    "checking parents": 'ALTER TABLE "catalogue_next"."skus" ADD FOREIGN KEY',
    "building indexes": "CREATE INDEX skus_by_style",
    "analysing": "VACUUM .* catalogue_next",
    "computing the digest": 'FROM "catalogue_next"."?skus',
    "about to publish": "LOCK TABLE catalogue.published_load",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with the small catalogue."""
    return write_catalogue(tmp_path / "small", ROWS)


def assert_whole(database: Database) -> None:
    """The catalogue that is served is the one that was recorded, and the service can read it."""
    number, digest = served(database)
    recorded = "SELECT number, digest FROM catalogue.published_load"
    assert query(database.app, recorded) == [(number, digest)]
    newest = "SELECT number, digest FROM etl.loads ORDER BY number DESC LIMIT 1"
    assert query(database.admin, newest) == [(number, digest)]


def assert_next_load_works(database: Database, small: Path, reports: Path) -> None:
    """The next load publishes and clears away what the killed one has left."""
    before, _ = served(database)
    result = load_catalogue(database.etl, small, reports)
    assert served(database) == (before + 1, result.digest)
    assert_whole(database)
    assert rows_of(database, "skus") == texts(ROWS["skus"])
    assert schemas(database) == ["catalogue", "catalogue_previous"]
    # The one before is not served and holds no more than one catalogue.
    found = query(
        database.admin,
        "SELECT nspname, count(*) FROM pg_class JOIN pg_namespace ON relnamespace = "
        "pg_namespace.oid WHERE relkind = 'r' AND nspname !~ '^(pg_|information_schema)' "
        "GROUP BY nspname",
    )
    tables = dict(found)
    assert set(tables) == {"catalogue", "catalogue_previous", "etl", "public"}
    assert tables["catalogue_previous"] == tables["catalogue"] >= len(ROWS) + 1


def wait_for_the_lock(database: Database) -> None:
    """Wait until the server has noticed that the killed load is gone."""

    def free() -> bool:
        with closing(Connection(database.etl)) as connection:
            return connection.value("lock_loads")

    wait_for(free)


def from_then_on(moment: str) -> str:
    """Return a pattern for the moment and, lest it is missed on a busy machine, for later ones."""
    names = list(MOMENTS)
    return "|".join(MOMENTS[name] for name in names[names.index(moment) :])


@contextmanager
def nothing_published(database: Database) -> Iterator[None]:
    """A reader keeps its lock on the served catalogue, so a load cannot go beyond its last step."""
    with closing(connect(database.app)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT number FROM catalogue.published_load")
        yield


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_load_changes_nothing(
    shared_database: Database, large: Path, small: Path, reports: Path, moment: str
) -> None:
    load_catalogue(shared_database.etl, small, reports)
    before = served(shared_database)
    with (
        nothing_published(shared_database),
        watching(shared_database) as runs,
        started(shared_database, "load", large, "--report", reports, "--quiet") as process,
    ):
        wait_for(lambda: runs(from_then_on(moment)), process)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        wait_for_the_lock(shared_database)
    assert "catalogue_next" in schemas(shared_database)
    assert served(shared_database) == before
    assert_whole(shared_database)
    assert_next_load_works(shared_database, small, reports)


@contextmanager
def about_to_be_recorded(
    database: Database, folder: Path, reports: Path
) -> Iterator[subprocess.Popen[str]]:
    """A load that has swapped the catalogues, in the statement that records it, until the end."""
    with (
        closing(psycopg2.connect(database.admin)) as other,
        watching(database) as runs,
        started(database, "load", folder, "--report", reports, "--quiet") as process,
    ):
        other.cursor().execute("LOCK TABLE etl.loads IN SHARE MODE")
        wait_for(lambda: runs("INSERT INTO etl.loads"), process)
        yield process


def test_a_load_killed_between_the_swap_and_its_record(
    shared_database: Database, small: Path, reports: Path
) -> None:
    load_catalogue(shared_database.etl, small, reports)
    before = served(shared_database)
    with about_to_be_recorded(shared_database, small, reports) as process:
        process.kill()
        process.wait()
        wait_for_the_lock(shared_database)
    assert served(shared_database) == before
    assert_whole(shared_database)
    assert_next_load_works(shared_database, small, reports)


@pytest.mark.parametrize(
    ("number", "status", "last"),
    [(signal.SIGINT, 1, "\nAborted!\n"), (signal.SIGTERM, 143, ""), (signal.SIGHUP, 129, "")],
)
def test_a_load_is_stopped_in_the_middle_of_a_statement(
    shared_database: Database, small: Path, reports: Path, number: int, status: int, last: str
) -> None:
    load_catalogue(shared_database.etl, small, reports)
    before = served(shared_database)
    with about_to_be_recorded(shared_database, small, reports) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=HANG)
        assert served(shared_database) == before
    assert process.returncode == status
    assert said.endswith(f"{AS_IT_WAS}{last}")
    assert_whole(shared_database)
    assert_next_load_works(shared_database, small, reports)


@pytest.mark.parametrize("frozen", ["", "session", "server"])
def test_a_load_is_stopped_while_it_waits_for_others(
    shared_database: Database, small: Path, reports: Path, frozen: str
) -> None:
    """Also where the server does not end its statement when it is told to, or cannot be told."""
    server = shared_database.server
    load_catalogue(shared_database.etl, small, reports)
    before = served(shared_database)
    with (
        closing(psycopg2.connect(shared_database.admin)) as other,
        watching(shared_database) as runs,
        started(shared_database, "load", small, "--report", reports, "--quiet") as process,
    ):
        other.cursor().execute("LOCK TABLE catalogue.skus")
        wait_for(lambda: runs('CREATE TABLE "catalogue_next"."skus"'), process)
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_for(lambda: query(shared_database.admin, waiting), process)
        ((server_process,),) = query(shared_database.admin, waiting)
        if frozen == "session":
            os.kill(server_process, signal.SIGSTOP)
        elif frozen == "server":
            server.freeze()
        try:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=HANG)
        finally:
            if frozen == "session":
                os.kill(server_process, signal.SIGCONT)
            server.thaw()
        other.rollback()
    assert process.returncode == 143
    assert said.endswith(AS_IT_WAS)
    wait_for_the_lock(shared_database)
    assert served(shared_database) == before
    assert_next_load_works(shared_database, small, reports)


@pytest.mark.slow
def test_a_load_is_stopped_while_it_copies_to_a_server_that_is_frozen(
    shared_database: Database, small: Path, reports: Path
) -> None:
    load_catalogue(shared_database.etl, small, reports)
    before = served(shared_database)
    # seconds of it
    (small / "skus.csv").write_text(
        "id,style_id,size,quantity\n" + "".join(f"{id_},1,XL,8\n" for id_ in range(1, 1_500_000))
    )
    session = "SELECT pid FROM pg_stat_activity WHERE application_name = 'flask etl'"
    copying = f"{session} AND query ~ 'COPY .*skus' AND state = 'active'"
    with started(shared_database, "load", small, "--report", reports, "--json") as process:
        wait_for(lambda: query(shared_database.admin, copying), process)
        ((server_process,),) = query(shared_database.admin, session)
        os.kill(server_process, signal.SIGSTOP)
        try:
            assert query(shared_database.admin, copying)
            process.send_signal(signal.SIGTERM)
            printed, said = process.communicate(timeout=HANG)
        finally:
            os.kill(server_process, signal.SIGCONT)
    assert process.returncode == 143
    assert said.endswith(AS_IT_WAS)
    assert json.loads(printed)["error"] == "stopped by SIGTERM"
    write_catalogue(small, ROWS)
    wait_for_the_lock(shared_database)
    assert served(shared_database) == before
    assert_next_load_works(shared_database, small, reports)


@pytest.mark.parametrize("seed", range(4))
def test_a_load_killed_while_it_publishes(
    shared_database: Database, small: Path, tmp_path: Path, reports: Path, seed: int
) -> None:
    """It has published or it has not: there is nothing between."""
    load_catalogue(shared_database.etl, small, reports)
    before = served(shared_database)
    other = write_catalogue(tmp_path / "other", ROWS | {"skus": [(9, 5, "L", seed)]})
    with started(shared_database, "load", other, "--report", reports) as process:
        assert "publishing\n" in process.stderr  # read as far as there
        time.sleep(random.Random(seed).random() * 0.02)
        process.kill()
        process.wait()
    wait_for_the_lock(shared_database)
    assert_whole(shared_database)
    after = served(shared_database)
    if after == before:
        assert rows_of(shared_database, "skus") == texts(ROWS["skus"])
    else:
        assert after[0] == before[0] + 1
        assert rows_of(shared_database, "skus") == [("9", "5", "L", str(seed))]
    assert_next_load_works(shared_database, small, reports)


def test_postgresql_killed_or_stopped_during_a_load(
    large: Path, small: Path, reports: Path
) -> None:
    with throwaway() as server:
        database = migrated(server)
        load_catalogue(database.etl, small, reports)
        for moment, end in (
            ("copying a large file", server.kill),
            ("copying a large file", server.stop),
            ("building indexes", server.kill),
            ("about to publish", server.stop),
        ):
            before = served(database)
            with started(database, "load", large, "--report", reports, "--quiet") as process:
                with nothing_published(database), watching(database) as runs:
                    wait_for(partial(runs, from_then_on(moment)), process)
                    end()
                server.start()
                _, said = process.communicate(timeout=HANG)
            assert process.returncode == 1
            assert "Error: " in said
            assert said.endswith(AS_IT_WAS)
            assert "Traceback" not in said
            assert "SystemError" not in said
            assert served(database) == before
            assert_whole(database)
            assert_next_load_works(database, small, reports)
