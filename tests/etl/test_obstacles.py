"""Databases that cannot be loaded into, or do not let go: what a load says and leaves."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

from etl import patience, space
from etl.connection import Connection, DatabaseError
from etl.errors import LoadError
from etl.files import find_files
from etl.limits import MAX_REJECTS
from etl.load import load
from etl.outcome import Outcome
from etl.progress import Progress
from etl.publish import PublishError
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import (
    At,
    add_bad_lines,
    command,
    flask_etl,
    schemas,
    served,
    started,
    watching,
)
from tests.servers import query
from tests.sessions import connect
from tests.waiting import HANG, wait_for


@pytest.fixture
def migrated_meanwhile(shared_database: Database) -> Iterator[None]:
    """Undoes what the test does to the list of migrations."""
    yield
    query(shared_database.admin, "DELETE FROM public.schema_migrations WHERE version = '9999'")


@pytest.mark.usefixtures("migrated_meanwhile")
@pytest.mark.parametrize("step", ["checking products.csv", "analysing", "publishing"])
def test_a_migration_meanwhile(loaded: Database, folder: Path, reports: Path, step: str) -> None:
    statement = "INSERT INTO public.schema_migrations (version) VALUES ('9999')"
    progress = At(step, lambda: query(loaded.admin, statement))
    with pytest.raises(PublishError, match="migrated while the load ran: load again"):
        load_catalogue(loaded.etl, folder, reports, progress=progress)
    assert progress.done


@pytest.fixture
def without_stranger(shared_database: Database) -> Iterator[None]:
    """Removes what a test keeps beside the service's tables."""
    yield
    for kind in STRANGERS:
        with suppress(psycopg2.errors.UndefinedFunction, psycopg2.errors.WrongObjectType):
            query(shared_database.admin, f"DROP {kind} IF EXISTS catalogue.stranger")


STRANGERS = {
    "TABLE": "catalogue.stranger (); GRANT SELECT ON catalogue.stranger TO products_app",
    "VIEW": "catalogue.stranger AS SELECT 1",
    "SEQUENCE": "catalogue.stranger",
    "FUNCTION": "catalogue.stranger() RETURNS integer RETURN 1",
    "DOMAIN": "catalogue.stranger AS integer",
    "TYPE": "catalogue.stranger AS ENUM ('one')",
}


@pytest.mark.usefixtures("without_stranger")
@pytest.mark.parametrize(
    ("at", "error"), [("begin products.csv", LoadError), ("publishing", PublishError)]
)
@pytest.mark.parametrize("kind", STRANGERS)
def test_what_others_keep_is_not_dropped(
    shared_database: Database,
    folder: Path,
    reports: Path,
    at: str,
    error: type[Exception],
    kind: str,
) -> None:
    for _ in range(2):
        load_catalogue(shared_database.etl, folder, reports)
    before = schemas(shared_database)
    assert "catalogue_previous" in before
    progress = At(at, lambda: query(shared_database.admin, f"CREATE {kind} {STRANGERS[kind]}"))
    if error is LoadError:
        progress.reach(at)
    with pytest.raises(error, match=r"^schema catalogue has stranger beside the service's tables"):
        load_catalogue(shared_database.etl, folder, reports, progress=progress)
    # one that is refused at once leaves what was served before
    assert schemas(shared_database) == (before if error is LoadError else ["catalogue"])
    query(shared_database.admin, f"DROP {kind} catalogue.stranger")  # it is still there


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_what_a_load_that_fails_has_built_goes(
    loaded: Database, folder: Path, reports: Path, mode: str
) -> None:
    add_bad_lines(folder, 11, 1)
    done = flask_etl(loaded, "load", folder, "--report", reports, "--mode", mode)
    assert "11 of 12 rows rejected" in done.stderr
    assert "catalogue_next" not in schemas(loaded)


def test_a_load_that_stands_still_while_it_publishes_holds_nobody_up(loaded: Database) -> None:
    def stand_still(connection: Connection) -> None:
        with connection.transaction():
            connection.run("lock_catalogue")
            # fails where it waits for longer than for the lock to be given back
            look = "SET statement_timeout = '30s'; SELECT number FROM catalogue.published_load"
            assert query(loaded.admin, look)
            connection.run("current_time")

    with (
        closing(Connection(loaded.etl)) as connection,
        pytest.raises(DatabaseError, match="idle-in-transaction"),
    ):
        stand_still(connection)


def test_a_disk_without_room_is_seen_beforehand(
    loaded: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = find_files(folder)
    disk = SimpleNamespace(free=int(sum(source.size for source in sources) * space.FACTOR))
    monkeypatch.setattr(space.shutil, "disk_usage", {str(loaded.server.data): disk}.__getitem__)
    before = served(loaded)
    # as who may know where the server keeps its data
    with closing(Connection(loaded.admin)) as connection:
        space.check_space(connection, sources)
    disk.free -= 1
    with pytest.raises(space.SpaceError, match=f"make room in {loaded.server.data}"):
        load(loaded.admin, Outcome(folder), reports, MAX_REJECTS, Progress())
    assert (served(loaded), schemas(loaded)) == (before, ["catalogue"])
    assert not list(reports.iterdir())


def test_a_session_that_does_not_let_go_of_the_catalogue(
    loaded: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    with closing(connect(loaded.app)) as reader:
        reader.cursor().execute("SELECT number FROM catalogue.published_load")
        with pytest.raises(PublishError, match="long transaction"):
            load_catalogue(loaded.etl, folder, reports)


def test_a_statement_of_the_service_that_does_not_end(
    loaded: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    with busy(loaded), pytest.raises(PublishError, match="a statement of the service"):
        load_catalogue(loaded.etl, folder, reports)


@contextmanager
def busy(database: Database) -> Iterator[psycopg2.extensions.connection]:
    """A session of the service that runs one statement until it is cancelled."""
    options = "-c statement_timeout=0"
    with closing(
        psycopg2.connect(database.app, application_name="products_service", options=options)
    ) as session:

        def run() -> None:
            with pytest.raises(psycopg2.errors.QueryCanceled):
                session.cursor().execute("SELECT pg_sleep(600)")

        thread = threading.Thread(target=run)
        thread.start()
        statement = (
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query ~ '^SELECT pg_sl'"
        )
        try:
            wait_for(lambda: query(database.admin, statement))
            yield session
        finally:
            session.cancel()
            thread.join()


def test_publication_waits_for_older_statements(
    database: Database, folder: Path, reports: Path
) -> None:
    """A reader that began before the next catalogue was complete is never overtaken."""
    # by a process of its own: while a load waits in this one, no other thread here may
    with (
        watching(database) as runs,
        busy(database) as session,
        started(database, "load", folder, "--report", reports) as process,
    ):
        wait_for(lambda: runs("query_start < "), process)
        assert served(database)[0] == 0
        session.cancel()
        process.communicate(timeout=HANG)
    assert process.returncode == 0
    assert served(database)[0] == 1


class StoppedAt(Progress):
    """Is told to stop when so much of a file is read, as by Ctrl-C."""

    def advance(self, size: int) -> None:
        signal.raise_signal(signal.SIGINT)


def test_a_load_that_is_stopped_while_it_copies(
    loaded: Database, folder: Path, reports: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_catalogue(loaded.etl, folder, reports, progress=StoppedAt())
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


class StoppedAfter(Progress):
    """Is told to stop when it is told for the n-th time how far into a file a load is."""

    def __init__(self, times: int) -> None:
        self._left = times

    def advance(self, size: int) -> None:
        self._left -= 1
        if not self._left:
            signal.raise_signal(signal.SIGINT)


def test_a_load_that_is_stopped_where_no_line_is_good(
    loaded: Database, folder: Path, reports: Path
) -> None:
    header = b"id,name,slogan,description,category,default_price\n"
    (folder / "products.csv").write_bytes(header + 9 * (b"x" * 900_000 + b"\n"))
    result = Outcome(folder)
    with pytest.raises(KeyboardInterrupt):
        load(loaded.etl, result, reports, MAX_REJECTS, StoppedAfter(5))
    tally = result.tallies["products.csv"]
    assert 0 < tally.rejected == tally.read < 9


def test_a_load_that_is_stopped_while_it_asks_what_became_of_it(
    loaded: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object) -> None:
        raise DatabaseError("lost")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("etl.load.publish", lose)
    monkeypatch.setattr("etl.outcome.was_published", stop)
    result = Outcome(folder)
    with pytest.raises(KeyboardInterrupt):
        load(loaded.etl, result, reports, MAX_REJECTS, Progress())
    assert result.published is None


def test_no_server_and_no_tables(database: Database, folder: Path, tmp_path: Path) -> None:
    url = f"postgresql://products_etl@/products?host={tmp_path}"
    nowhere = SimpleNamespace(environment={"ETL_DATABASE_URL": url})
    done = flask_etl(nowhere, "load", folder, "--report", tmp_path / "report")
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert not (tmp_path / "report").exists()

    query(database.admin, "DROP SCHEMA catalogue CASCADE")
    done = flask_etl(database, "load", folder, "--report", tmp_path / "report")
    assert done.returncode == 1
    assert "the database is not migrated: run `flask db upgrade`" in done.stderr
    assert "flask db upgrade" in flask_etl(database, "history").stderr


def test_a_server_that_does_not_know_the_roles(database: Database, folder: Path) -> None:
    """As the embedded one of a fresh checkout."""
    url = database.server.url("products_nobody", database.name)
    fresh = SimpleNamespace(environment={"ETL_DATABASE_URL": url})
    for asked in (("load", folder), ("verify", folder), ("history",), ("index", "build")):
        done = flask_etl(fresh, *asked)
        assert done.returncode == 1
        assert "Error: the database is not migrated: run `flask db upgrade`" in done.stderr


def test_a_role_that_may_not_load(database: Database, folder: Path, tmp_path: Path) -> None:
    serving = SimpleNamespace(environment={"ETL_DATABASE_URL": database.app})
    done = flask_etl(serving, "load", folder, "--report", tmp_path / "report")
    assert done.returncode == 1
    assert "permission denied for schema etl: the role that ETL_DATABASE_URL names" in done.stderr


@pytest.mark.parametrize("asked", ["history", "index list", "verify"])
def test_a_list_that_cannot_be_printed(database: Database, folder: Path, asked: str) -> None:
    arguments = [*asked.split(), *[folder] * (asked == "verify")]
    with Path("/dev/full").open("w") as full:
        run = command(database, *arguments) | {"stdout": full}
        done = subprocess.run(**run, timeout=HANG, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Error: [Errno 28] No space left on device"


def test_a_lost_connection(
    database: Database, large: Path, reports: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'flask etl' AND datname = current_database()"
    )
    for point in ("reading photos.csv", "checking photos.csv", "analysing", "publishing"):
        progress = At(point, lambda: query(database.admin, statement))
        with pytest.raises(DatabaseError, match=r"connection .*lost|closed the connection"):
            load_catalogue(database.etl, large, reports, progress=progress)
        assert progress.done
        assert served(database)[0] == 0
    assert capfd.readouterr() == ("", "")
