"""flask etl index: what there is and why, and the catalogue with and without them."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from etl import patience
from etl.connection import Connection, read_sql
from etl.indexes import IndexesError, choose_indexes, drop_index, read_indexes
from etl.load_lock import take_load_lock
from tests.catalogue import load_catalogue
from tests.conftest import Database, make_app
from tests.etl.loads import flask_etl, started, watching
from tests.etl.test_kill import wait_for_the_lock
from tests.servers import query
from tests.sessions import connect
from tests.waiting import HANG, wait_for

NAMES = list(read_indexes())
PATHS = ["/products", "/products/1", "/products/1/styles", "/products/1/related"]


@pytest.fixture
def indexed(shared_database: Database, folder: Path, reports: Path) -> Database:
    """A database that serves the small catalogue with all its indexes."""
    load_catalogue(shared_database.etl, folder, reports)
    return shared_database


def built(database: Database) -> set[str]:
    """Return the indexes that are there, of those that loads build."""
    statement = "SELECT indexname FROM pg_indexes WHERE schemaname = 'catalogue'"
    return {name for (name,) in query(database.admin, statement)} & set(NAMES)


def listed(database: Database) -> dict[str, dict]:
    done = flask_etl(database, "index", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {found["name"]: found for found in map(json.loads, done.stdout.splitlines())}


def test_every_index_says_what_it_is_for() -> None:
    indexes = read_indexes()
    assert len(indexes) == len(re.findall(r"\bCREATE\b", read_sql("indexes")))
    assert [index.name for index in indexes.values() if len(index.purpose) < 20] == []
    assert indexes["photos_by_style"].table == "photos"
    assert (
        indexes["photos_by_style"].purpose
        == "get_styles, get_product_page: the photos of a style in file order"
    )


def test_list(indexed: Database) -> None:
    found = listed(indexed)
    assert {*NAMES, "products_pkey", "skus_pkey"} < set(found)
    assert {name for name, index in found.items() if index["state"] != "valid"} == set()
    for name, index in found.items():
        assert index["key"] == (name not in NAMES)
        assert index["size"] >= 8192
        assert "key" in index["purpose"] or name in NAMES
    before = found["styles_by_product"]["scans"]
    with closing(connect(indexed.app)) as session, session.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SELECT FROM catalogue.styles WHERE product_id = 1 ORDER BY position")
        session.commit()
        # What a session has counted is told by its end at the latest.
    wait_for(lambda: listed(indexed)["styles_by_product"]["scans"] == before + 1)


def test_list_for_people(indexed: Database) -> None:
    query(indexed.admin, "DROP INDEX catalogue.skus_by_style")
    query(indexed.admin, "CREATE INDEX by_hand ON catalogue.skus (size)")
    lines = flask_etl(indexed, "index", "list").stdout.splitlines()
    assert lines[0].split()[:5] == ["index", "table", "size", "scans", "state"]
    rows = {line.split()[0]: line for line in lines[1:]}
    assert set(rows) == {*listed(indexed)}
    assert re.fullmatch(
        r"features_by_product +features +16 kB +0  valid +"
        r"get_product, get_product_page: the features of .*",
        rows["features_by_product"],
    )
    assert re.search(r" skus +- +-  missing +get_styles, get_product_page: ", rows["skus_by_style"])
    assert rows["by_hand"].endswith("none of ours: the next load leaves it out")
    assert "the key" in rows["products_pkey"]


def test_dropped_and_built(indexed: Database) -> None:
    done = flask_etl(indexed, "index", "drop", "--yes", "skus_by_style", "photos_by_style")
    assert done.returncode == 0
    assert re.fullmatch(
        r"skus_by_style dropped, \d\.\d s\nphotos_by_style dropped, \d\.\d s\n", done.stdout
    )
    assert built(indexed) == set(NAMES) - {"skus_by_style", "photos_by_style"}
    again = flask_etl(indexed, "index", "drop", "--yes", "skus_by_style")
    assert again.stdout == "skus_by_style is missing already\n"

    done = flask_etl(indexed, "index", "build", "skus_by_style")
    assert re.fullmatch(r"skus_by_style built, \d\.\d s\n", done.stdout)
    assert built(indexed) == set(NAMES) - {"photos_by_style"}

    done = flask_etl(indexed, "index", "drop", "--yes")
    assert done.stdout.count(" dropped, ") == len(NAMES) - 1
    assert built(indexed) == set()
    keys = "SELECT count(*)::integer FROM pg_constraint WHERE contype = 'p' AND connamespace = "
    assert query(indexed.admin, f"{keys} 'catalogue'::regnamespace")[0][0] >= 7
    done = flask_etl(indexed, "index", "build")
    assert done.stdout.count(" built, ") == len(NAMES)
    assert built(indexed) == set(NAMES)
    assert {index["state"] for index in listed(indexed).values()} == {"valid"}


def test_a_load_builds_what_was_dropped(indexed: Database, folder: Path, reports: Path) -> None:
    assert flask_etl(indexed, "index", "drop", "--yes").returncode == 0
    load_catalogue(indexed.etl, folder, reports)
    assert built(indexed) == set(NAMES)


def test_answers_are_right_without_indexes(indexed: Database) -> None:
    app = make_app(indexed)
    client = app.test_client()
    before = [client.get(path).data for path in PATHS]
    assert flask_etl(indexed, "index", "drop", "--yes").returncode == 0
    assert [client.get(path).data for path in PATHS] == before
    assert flask_etl(indexed, "index", "build").returncode == 0
    assert [client.get(path).data for path in PATHS] == before
    app.extensions["database"].close()


@pytest.mark.parametrize("command", [("drop", "--yes"), ("build",)])
@pytest.mark.parametrize("name", ["products_pkey", "nothing", "skus_by_style; DROP TABLE x"])
def test_other_names_are_refused(indexed: Database, command: tuple[str, ...], name: str) -> None:
    done = flask_etl(indexed, "index", *command, name, "skus_by_style")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {name}: not among the indexes that can be")
    assert all(allowed in done.stderr for allowed in NAMES)
    assert "Keys (names in _pkey) cannot" in done.stderr
    assert built(indexed) == set(NAMES)


def test_names_are_taken_once_and_in_their_order() -> None:
    chosen = choose_indexes(["skus_by_style", "photos_by_style", "skus_by_style"])
    assert [index.name for index in chosen] == ["skus_by_style", "photos_by_style"]
    assert [index.name for index in choose_indexes([])] == NAMES


def test_drop_asks(indexed: Database) -> None:
    """Nobody is there to answer: nothing is dropped."""
    done = flask_etl(indexed, "index", "drop", "skus_by_style")
    assert done.returncode == 1
    assert "slow" in done.stderr
    assert "Drop skus_by_style? [y/N]" in done.stderr
    assert built(indexed) == set(NAMES)


def test_an_index_that_is_not_valid(indexed: Database) -> None:
    """As CREATE INDEX CONCURRENTLY by hand leaves it when it fails."""
    query(
        indexed.admin,
        "UPDATE pg_index SET indisvalid = false "
        "WHERE indexrelid = 'catalogue.skus_by_style'::regclass",
    )
    assert listed(indexed)["skus_by_style"]["state"] == "not valid"
    done = flask_etl(indexed, "index", "build", "skus_by_style")
    assert done.returncode == 1
    assert "`flask etl index drop skus_by_style` first" in done.stderr
    assert flask_etl(indexed, "index", "drop", "--yes", "skus_by_style").returncode == 0
    assert flask_etl(indexed, "index", "build", "skus_by_style").returncode == 0
    assert listed(indexed)["skus_by_style"]["state"] == "valid"


@pytest.mark.parametrize("command", [("drop", "--yes"), ("build",)])
def test_refused_at_once_while_a_load_runs(indexed: Database, command: tuple[str, ...]) -> None:
    query(indexed.admin, "DROP INDEX catalogue.skus_by_style")
    with closing(Connection(indexed.etl)) as load:
        take_load_lock(load)
        done = flask_etl(indexed, "index", *command)
    assert done.returncode == 1
    assert "another load or `flask etl index` is running (server process " in done.stderr
    assert "nothing was done" in done.stderr
    assert done.stdout == ""
    assert built(indexed) == set(NAMES) - {"skus_by_style"}
    assert flask_etl(indexed, "index", "list").returncode == 0


def test_a_load_is_not_in_the_way_where_nothing_is_to_be_done(indexed: Database) -> None:
    """So a deploy may ask for what is missing at any time."""
    with closing(Connection(indexed.etl)) as load:
        take_load_lock(load)
        done = flask_etl(indexed, "index", "build")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{name} is there already" for name in NAMES]
    assert done.stderr == ""


def test_built_before_anything_is_loaded(clone: Callable[[], Database]) -> None:
    database = clone()
    assert built(database) == set()
    done = flask_etl(database, "index", "build")
    assert done.stdout.count(" built, ") == len(NAMES)
    assert built(database) == set(NAMES)


@contextmanager
def held(database: Database, statement: str) -> Iterator[None]:
    """A transaction of the superuser's that has run a statement."""
    with closing(psycopg2.connect(database.admin)) as session:
        session.cursor().execute(statement)
        yield


def waits(database: Database) -> list[tuple[str, str]]:
    """Return what locks on the catalogue the command's session has, as (table, mode)."""
    statement = (
        "SELECT relname, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation "
        "JOIN pg_stat_activity USING (pid) WHERE application_name = 'flask etl' "
        "AND relnamespace = 'catalogue'::regnamespace AND granted "
        "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return query(database.admin, statement)


def test_readers_go_on_while_an_index_is_built(
    indexed: Database, folder: Path, reports: Path
) -> None:
    """The build is held up in its middle, with all the locks that it takes."""
    assert flask_etl(indexed, "index", "drop", "--yes", "skus_by_style").returncode == 0
    app = make_app(indexed)
    client = app.test_client()
    with (
        held(indexed, "LOCK TABLE pg_catalog.pg_class IN SHARE MODE"),
        started(indexed, "index", "build", "skus_by_style") as process,
    ):
        wait_for(lambda: ("skus", "ShareLock") in waits(indexed), process)
        assert [client.get(path).status_code for path in PATHS] == [200] * len(PATHS)
        assert set(waits(indexed)) == {("skus", "ShareLock")}
        refused = flask_etl(indexed, "load", folder, "--report", reports)
        assert "another load or `flask etl index` is running" in refused.stderr
    # or it would be in the way of the next test
    wait_for_the_lock(indexed)
    app.extensions["database"].close()


def test_drop_waits_for_a_reader_in_moments(indexed: Database) -> None:
    """Others are let through while it waits, and it is done when the reader is."""
    app = make_app(indexed)
    client = app.test_client()
    with (
        watching(indexed) as runs,
        held(indexed, "SELECT count(*) FROM catalogue.skus"),
        started(indexed, "index", "drop", "--yes", "skus_by_style") as process,
    ):
        wait_for(lambda: runs("DROP INDEX"), process)
        statuses = [client.get(path).status_code for path in PATHS * 5]
        assert statuses == [200] * len(statuses)
        assert process.poll() is None
        assert built(indexed) == set(NAMES)
        query(indexed.admin, TERMINATE)
        said, _ = process.communicate(timeout=HANG)
    assert said.startswith("skus_by_style dropped, ")
    assert built(indexed) == set(NAMES) - {"skus_by_style"}
    app.extensions["database"].close()


# The sessions that hold the table.
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
    "WHERE relation = 'catalogue.skus'::regclass AND mode = 'AccessShareLock' "
    "AND application_name = '' AND granted"
)


def test_drop_gives_up_on_a_reader_that_stays(
    indexed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    with (
        held(indexed, "SELECT count(*) FROM catalogue.skus"),
        closing(Connection(indexed.etl)) as connection,
    ):
        take_load_lock(connection)
        with pytest.raises(IndexesError, match=r"skus_by_style: another session has held skus for"):
            drop_index(connection, read_indexes()["skus_by_style"])
    assert built(indexed) == set(NAMES)


def test_a_database_that_is_not_migrated(clone: Callable[[], Database]) -> None:
    database = clone()
    query(database.admin, "DROP SCHEMA catalogue CASCADE")
    for arguments in (("list",), ("drop", "--yes"), ("build",)):
        done = flask_etl(database, "index", *arguments)
        assert done.returncode == 1
        assert "run `flask db upgrade`" in done.stderr
