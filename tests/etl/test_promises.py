"""What a load promises beyond its rows: limits, refusals, keys and rights, the record, messages."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest
from click.testing import CliRunner

from etl import publish
from etl.build import BuildError
from etl.commands import etl
from etl.connection import Connection, DatabaseError, read_sql
from etl.load import LoadError, RejectLimit
from etl.progress import Progress
from etl.publish import PublishError
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import (
    COUNTS,
    ROWS,
    SUMMARY,
    assert_account,
    command,
    counts,
    flask_etl,
    query,
    rows_of,
    run_load,
    served,
    started,
    texts,
    wait_until,
    watching,
)

AS_IT_WAS = "The catalogue is as it was.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small catalogue."""
    return write_catalogue(tmp_path / "catalogue", ROWS)


@pytest.fixture
def loaded(shared_database: Database, tmp_path: Path) -> Iterator[Database]:
    """A database that serves the small catalogue, and must still do so after the test."""
    folder = write_catalogue(tmp_path / "served", ROWS)
    load_catalogue(shared_database.etl, folder, tmp_path / "served")
    before = served(shared_database), history(shared_database)
    yield shared_database
    assert (served(shared_database), history(shared_database)) == before
    assert rows_of(shared_database, "skus") == texts(ROWS["skus"])


def history(database: Database) -> list[tuple]:
    return query(database.admin, "SELECT number, digest FROM etl.loads ORDER BY number")


def add_bad_lines(folder: Path, bad: int, good: int) -> None:
    """Make photos.csv one of so many lines that are rejected and so many that are loaded."""
    lines = ["id,style_id,url,thumbnail_url"]
    lines += [f"{id_},1,u,t" for id_ in range(1, good + 1)] + ["bad"] * bad
    (folder / "photos.csv").write_text("\n".join(lines))


# How many rejects are published


@pytest.mark.parametrize(
    ("limit", "rows", "allowed"),
    [
        (RejectLimit(), 0, 10),
        (RejectLimit(), 1_000, 10),
        (RejectLimit(), 1_099, 10),
        (RejectLimit(), 1_100, 11),
        (RejectLimit(), 11_323_917, 113_239),
        (RejectLimit(rows=0, percent=None), 5_000, 0),
        (RejectLimit(rows=3, percent=None), 5_000, 3),
        (RejectLimit(rows=None, percent=Decimal(0)), 5_000, 0),
        (RejectLimit(rows=None, percent=Decimal(2)), 149, 2),
        (RejectLimit(rows=None, percent=Decimal("0.29")), 100_000, 290),
        (RejectLimit(rows=None, percent=Decimal("1.15")), 100_000, 1_150),
        (RejectLimit(rows=None, percent=Decimal(100)), 7, 7),
    ],
)
def test_limit(limit: RejectLimit, rows: int, allowed: int) -> None:
    assert limit.allowed(rows) == allowed


@pytest.mark.parametrize(("bad", "good"), [(10, 0), (10, 90), (20, 1_980)])
def test_as_many_rejects_as_allowed_are_published(
    shared_database: Database, folder: Path, reports: Path, bad: int, good: int
) -> None:
    add_bad_lines(folder, bad, good)
    result = load_catalogue(shared_database.etl, folder, reports)
    assert counts(result)["photos.csv"] == (bad + good, good, 0, bad)


@pytest.mark.parametrize(("bad", "good", "allowed"), [(11, 0, 10), (11, 989, 10), (21, 1_979, 20)])
def test_one_reject_more_is_not(
    loaded: Database, folder: Path, reports: Path, bad: int, good: int, allowed: int
) -> None:
    add_bad_lines(folder, bad, good)
    with pytest.raises(LoadError) as refused:
        load_catalogue(loaded.etl, folder, reports)
    message = f"photos.csv: {bad} of {bad + good} rows rejected, more than the {allowed} allowed"
    assert message in str(refused.value)


def test_rejects_of_the_database_count_too(loaded: Database, folder: Path, reports: Path) -> None:
    lines = [f"{id_},{id_ % 2 * 99 + 1},u,t" for id_ in range(1, 23)]
    (folder / "photos.csv").write_text("\n".join(["id,style_id,url,thumbnail_url", *lines]))
    with pytest.raises(LoadError, match=r"photos.csv: 11 of 22 rows .* the 10 allowed"):
        load_catalogue(loaded.etl, folder, reports)


def test_the_command_refuses_and_still_gives_an_account(
    loaded: Database, folder: Path, tmp_path: Path
) -> None:
    add_bad_lines(folder, 2, 98)
    report = tmp_path / "report"
    for limit in ("1", "1%", "1.99%"):
        done = flask_etl(loaded, "load", folder, "--report", report, "--max-rejects", limit)
        assert done.returncode == 1
        assert "photos.csv: 2 of 100 rows rejected, more than the 1 allowed" in done.stderr
        assert done.stderr.endswith(AS_IT_WAS)
        assert account(done.stdout)["photos.csv"] == (100, 98, 0, 2)
        assert f"{report}/rejects.csv" in done.stdout
        assert "Published" not in done.stdout
        assert (report / "rejects.csv").read_text().count("photos.csv,") == 2


def test_the_command_publishes_what_the_limit_allows(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    add_bad_lines(folder, 2, 98)
    report = tmp_path / "report"
    for number, limit in enumerate(("2", "2%", "100%"), 1):
        done = flask_etl(database, "load", folder, "--report", report, "--max-rejects", limit)
        assert done.returncode == 0
        assert account(done.stdout) == SUMMARY | {
            "photos.csv": (100, 98, 0, 2),
            "total": (115, 113, 0, 2),
        }
        digest = served(database)[1]
        assert done.stdout.endswith(
            f"Repaired and rejected lines: {report}/rejects.csv\n"
            f"Published as load {number}, digest {digest}.\n"
        )


def account(printed: str) -> dict[str, tuple[int, ...]]:
    """Return the rows of the printed summary: read, loaded, repaired and rejected by file."""
    header, *lines = printed.splitlines()
    assert header.split() == ["file", *COUNTS, "seconds", "rows/s"]
    rows = [line.split() for line in lines if len(line.split()) == 7]
    return {row[0]: tuple(int(cell.replace(",", "")) for cell in row[1:5]) for row in rows}


@pytest.mark.parametrize(
    "limit",
    [
        "",
        "x",
        "-1",
        "+1",
        "1.5",
        "%",
        "-1%",
        "101%",
        "nan%",
        "1e1%",
        "1_0",
        "1_0%",
        " 5%",
        "\u0665%",
    ],
)
def test_a_limit_that_is_none_is_a_usage_error(limit: str) -> None:
    done = CliRunner().invoke(etl, ["load", "nowhere", "--max-rejects", limit])
    assert done.exit_code == 2
    assert "neither a number of rows (20) nor a percentage (0.5%)" in done.output


# One load at a time


def test_a_second_load_is_refused_and_leaves_the_report_of_the_first(
    database: Database, large: Path, folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    (folder / "skus.csv").write_text("id,style_id,size,quantity\nbad\n")
    with (
        watching(database) as runs,
        started(database, "load", large, "--report", report, "--quiet") as first,
    ):
        wait_until(lambda: runs('COPY "catalogue_next"."skus"'), first)
        first.send_signal(signal.SIGSTOP)
        second = flask_etl(database, "load", folder, "--report", report)
        assert second.returncode == 1
        assert "another load is running (server process " in second.stderr
        assert "nothing was done" in second.stderr
        assert second.stderr.endswith(AS_IT_WAS)
        assert second.stdout == ""
        assert served(database)[0] == 0
        first.send_signal(signal.SIGCONT)
        printed, _ = first.communicate(timeout=60)
    assert first.returncode == 0
    assert account(printed)["products.csv"] == (8_001, 8_000, 0, 1)
    assert (report / "rejects.csv").read_text().count("products.csv,8002,rejected,") == 1
    assert [file.name for file in (report / "rejects").iterdir()] == ["products.csv"]
    assert served(database)[0] == 1
    assert flask_etl(database, "load", folder, "--report", report).returncode == 0


def test_the_lock_of_loads_goes_with_the_session(
    loaded: Database, folder: Path, reports: Path
) -> None:
    with closing(Connection(loaded.etl)) as connection:
        assert connection.value("lock_loads")
        with pytest.raises(LoadError, match=r"another load is running \(server process \d+, since"):
            load_catalogue(loaded.etl, folder, reports)
    assert list(reports.iterdir()) == []


def test_a_load_of_another_database_is_no_second_one(
    database: Database, shared_database: Database, folder: Path, reports: Path
) -> None:
    with closing(Connection(database.etl)) as connection:
        assert connection.value("lock_loads")
        load_catalogue(shared_database.etl, folder, reports)


# The same catalogue, with the same keys and rights


def test_the_same_files_again_are_the_same_catalogue(
    database: Database, folder: Path, reports: Path
) -> None:
    first = load_catalogue(database.etl, folder, reports)
    assert served(database) == (first.number, first.digest) == (1, first.digest)
    second = load_catalogue(database.etl, folder, reports)
    assert served(database) == (second.number, second.digest) == (2, first.digest)
    recorded = "SELECT number, digest FROM catalogue.published_load"
    assert query(database.app, recorded) == [(2, first.digest)]


STRUCTURE = {
    "relations": """
        SELECT relname, relkind, relpersistence, relowner::regrole::text, relrowsecurity
        FROM pg_class WHERE relnamespace = 'catalogue'::regnamespace""",
    "columns": """
        SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default,
          is_identity, identity_generation, collation_name, is_generated
        FROM information_schema.columns WHERE table_schema = 'catalogue'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype, convalidated, condeferrable,
          pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'catalogue'::regnamespace""",
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'catalogue'""",
    "sequences": """
        SELECT sequencename, sequenceowner::text, start_value, min_value, max_value,
          increment_by, cycle, cache_size
        FROM pg_sequences WHERE schemaname = 'catalogue'""",
    "rights": """
        SELECT relname, grantor::regrole::text, grantee::regrole::text, privilege_type, is_grantable
        FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
        WHERE relnamespace = 'catalogue'::regnamespace AND relkind = 'r'""",
    "schema": """
        SELECT nspowner::regrole::text, grantee::regrole::text, privilege_type, is_grantable
        FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'catalogue'""",
}


def structure(database: Database) -> dict[str, set[tuple]]:
    """Return everything that the catalogue's tables are, but for their rows."""
    return {name: set(query(database.admin, text)) for name, text in STRUCTURE.items()}


def test_keys_indexes_owners_and_grants_are_those_of_the_migrations(
    database: Database, folder: Path, reports: Path
) -> None:
    migrated = structure(database)
    for _ in range(2):  # the second is made like the first
        load_catalogue(database.etl, folder, reports)
        published = structure(database)
        added = published["indexes"] - migrated["indexes"]
        built = {
            f"{line.rstrip(',;')}".replace("catalogue_next", "catalogue")
            for line in read_sql("indexes").splitlines()
            if line.startswith("CREATE INDEX")
        }
        assert {re.sub(' USING btree|"', "", definition) for _, _, definition in added} == built
        assert len(added) == len(built) == 6
        published["indexes"] -= added
        names = {name for _, name, _ in added}
        published["relations"] = {row for row in published["relations"] if row[0] not in names}
        assert published == migrated
    # What was compared is there at all.
    constraints = [(row[2], row[3]) for row in migrated["constraints"]]
    assert [kind for kind, _ in constraints].count("p") == 7
    assert [kind for kind, _ in constraints].count("f") == 6
    assert [kind for kind, _ in constraints].count("c") >= 12
    assert all(valid for _, valid in constraints)
    assert {row[3] for row in migrated["relations"]} == {"products_owner"}
    assert {row[0] for row in migrated["rights"] if row[2:4] == ("products_app", "SELECT")} == {
        "published_load",
        *ROWS,
    }


def test_grants_that_were_added_stay(database: Database, folder: Path, reports: Path) -> None:
    query(database.admin, "GRANT SELECT ON catalogue.products TO PUBLIC")
    query(database.admin, "GRANT USAGE ON SCHEMA catalogue TO pg_monitor")
    granted = structure(database)
    load_catalogue(database.etl, folder, reports)
    published = structure(database)
    assert published["rights"] == granted["rights"]
    assert published["schema"] == granted["schema"]


def test_the_service_reads_and_cannot_write(
    shared_database: Database, folder: Path, reports: Path
) -> None:
    load_catalogue(shared_database.etl, folder, reports)
    writable = shared_database.app + "&options=-c%20default_transaction_read_only%3Doff"
    for table in [*ROWS, "published_load"]:
        assert query(shared_database.app, f"SELECT count(*) FROM catalogue.{table}")[0][0] in (1, 3)
        for statement in (
            f"DELETE FROM catalogue.{table}",
            f"TRUNCATE catalogue.{table} CASCADE",
            f"INSERT INTO catalogue.{table} SELECT * FROM catalogue.{table}",
            f"DROP TABLE catalogue.{table} CASCADE",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(writable, statement)


def test_statistics_are_fresh(database: Database, large: Path, reports: Path) -> None:
    result = load_catalogue(database.etl, large, reports)
    assert_account(database, result)
    found = query(
        database.admin,
        "SELECT relname, reltuples::integer, relallvisible = relpages, "
        "(SELECT count(*)::integer FROM pg_stats WHERE schemaname = 'catalogue' "
        "AND tablename = relname) "
        "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'catalogue'::regnamespace "
        "AND relname <> 'published_load'",
    )
    columns = {"products": 7, "features": 5, "styles": 7, "photos": 5, "skus": 5, "related": 4}
    assert set(found) == {
        (table, result.tallies[f"{table}.csv"].loaded, True, columns[table]) for table in ROWS
    }


# The record of loads


def test_history(database: Database, folder: Path, reports: Path) -> None:
    assert flask_etl(database, "history").stdout == "No load was published yet.\n"
    assert flask_etl(database, "history", "--json").stdout == ""
    add_bad_lines(folder, 1, 5)
    first = load_catalogue(database.etl, folder, reports)
    other = write_catalogue(reports / "other", {})
    second = load_catalogue(database.etl, other, reports)

    printed = flask_etl(database, "history").stdout.splitlines()
    assert [line.split()[:2] for line in printed] == [["load", "2"], ["load", "1"]]
    assert printed[0].endswith(f" s  0 rows, 0 rejected  {second.digest}  {other.resolve()}")
    assert printed[1].endswith(f" s  20 rows, 1 rejected  {first.digest}  {folder.resolve()}")

    listed = flask_etl(database, "history", "--json").stdout.splitlines()
    newest, oldest = map(json.loads, listed)
    assert newest["number"] == 2
    assert list(oldest) == [
        *("number", "mode", "published_at", "seconds", "source", "digest", "tables")
    ]
    assert oldest["mode"] == "replace"
    assert oldest["source"] == str(folder.resolve())
    assert oldest["digest"] == first.digest
    expected = {name.removesuffix(".csv"): figures for name, figures in counts(first).items()}
    for table in oldest["tables"].values():
        assert int(table.pop("hashes"))
        assert table.pop("rows") == table["loaded"]
        assert table.pop("removed") == 0
    assert oldest["tables"] == {
        table: dict(zip(COUNTS, figures, strict=True)) for table, figures in expected.items()
    }
    assert expected["photos"] == (6, 5, 0, 1)
    limited = flask_etl(database, "history", "--json", "--limit", "1").stdout.splitlines()
    assert limited == listed[:1]


# Files that change while they are read


class At(Progress):
    """Does something once at a point of a load: before a file is read, while, or at a step."""

    def __init__(self, point: str, action: object):
        self.point = point
        self.action = action
        self.done = False

    def reach(self, point: str) -> None:
        if point == self.point and not self.done:
            self.done = True
            self.action()

    def begin_file(self, what: str, size: int, unit: str = "bytes") -> None:
        self.what = what
        self.reach(f"begin {what}")

    def advance(self, size: int) -> None:
        self.reach(self.what)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.reach(name)
        yield


def append(folder: Path) -> None:
    with (folder / "photos.csv").open("ab") as stream:
        stream.write(b"9,1,u,t\n")


def change_in_place(folder: Path) -> None:
    path = folder / "photos.csv"
    path.write_bytes(path.read_bytes().replace(b"https", b"HTTPS"))


def put_in_place(folder: Path) -> None:
    shutil.copy(folder / "photos.csv", folder / "new")
    (folder / "new").rename(folder / "photos.csv")


def change_header(folder: Path) -> None:
    path = folder / "photos.csv"
    path.write_bytes(path.read_bytes().replace(b"style_id", b"styleId").replace(b"3t", b"34"))


@pytest.mark.parametrize("orphans", [False, True], ids=["clean", "orphans"])
@pytest.mark.parametrize(
    ("point", "action"),
    [
        ("begin reading products.csv", append),
        ("begin reading products.csv", change_header),
        ("reading photos.csv", append),
        ("reading photos.csv", change_in_place),
        ("reading photos.csv", put_in_place),
        ("checking photos.csv", append),
        ("checking photos.csv", put_in_place),
    ],
)
def test_a_file_that_changes_while_it_is_read(
    loaded: Database, folder: Path, reports: Path, point: str, action: object, orphans: bool
) -> None:
    if orphans:
        with (folder / "photos.csv").open("ab") as stream:
            stream.write(b"7,77,u,t\n")
    progress = At(point, lambda: action(folder))
    with pytest.raises(BuildError, match=r"^photos.csv was changed while it was read: load again$"):
        run_load(loaded, folder, reports, progress)
    assert progress.done


def test_a_file_that_goes_away(loaded: Database, folder: Path, reports: Path) -> None:
    progress = At("checking styles.csv", (folder / "photos.csv").unlink)
    with pytest.raises((BuildError, OSError), match=r"photos.csv"):
        run_load(loaded, folder, reports, progress)


# Reports that cannot be written


def few(folder: Path) -> None:
    """So little to report that it is written at the end."""
    add_bad_lines(folder, 1, 1)


def many(folder: Path) -> None:
    """So much that it is written while the file is read."""
    (folder / "photos.csv").write_text(
        "id,style_id,url,thumbnail_url\n" + f"{'bad' * 10_000}\n" * 10
    )


def orphans(folder: Path) -> None:
    """So much that it is written while the rows are checked."""
    lines = [f"{id_},9,{'u' * 30_000},t" for id_ in range(1, 11)]
    (folder / "photos.csv").write_text("\n".join(["id,style_id,url,thumbnail_url", *lines]))


@pytest.mark.parametrize("dirt", [few, many, orphans])
def test_a_report_on_a_full_disk(
    loaded: Database, folder: Path, reports: Path, dirt: object
) -> None:
    dirt(folder)
    (reports / "rejects.csv").symlink_to("/dev/full")
    done = flask_etl(loaded, "load", folder, "--report", reports)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert str(reports) in done.stderr
    assert done.stderr.endswith(AS_IT_WAS)
    assert "Exception ignored" not in done.stderr


def test_a_report_that_has_no_place(loaded: Database, folder: Path, reports: Path) -> None:
    (reports / "rejects").write_text("a file in its place")
    done = flask_etl(loaded, "load", folder, "--report", reports)
    assert done.returncode == 1
    assert f"{reports}/rejects" in done.stderr
    assert done.stderr.endswith(AS_IT_WAS)
    (reports / "rejects").unlink()
    (reports / "rejects.csv").mkdir()
    done = flask_etl(loaded, "load", folder, "--report", reports)
    assert done.returncode == 1
    assert f"{reports}/rejects.csv" in done.stderr


def test_the_rejects_of_a_load_are_not_overwritten_by_loading_them(
    loaded: Database, folder: Path, reports: Path
) -> None:
    shutil.copytree(folder, reports / "rejects")
    for path in (reports / "rejects", reports / "rejects" / ".." / "rejects"):
        with pytest.raises(LoadError, match="where the rejects of this load go"):
            load_catalogue(loaded.etl, path, reports)
    (reports / "link").symlink_to(reports / "rejects")
    done = flask_etl(loaded, "load", reports / "link", "--report", reports)
    assert done.returncode == 1
    assert "--report" in done.stderr
    for file in folder.iterdir():
        assert (reports / "rejects" / file.name).read_bytes() == file.read_bytes()


# Databases that cannot be loaded into


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
        run_load(loaded, folder, reports, progress)
    assert progress.done


def test_a_session_that_does_not_let_go_of_the_catalogue(
    loaded: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "PATIENCE", 0.1)
    with closing(psycopg2.connect(loaded.app)) as reader:
        reader.cursor().execute("SELECT number FROM catalogue.published_load")
        with pytest.raises(PublishError, match="long transaction"):
            load_catalogue(loaded.etl, folder, reports)


def test_a_statement_of_the_service_that_does_not_end(
    loaded: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "PATIENCE", 0.1)
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
            wait_until(lambda: query(database.admin, statement))
            yield session
        finally:
            session.cancel()
            thread.join()


def test_publication_waits_for_older_statements(
    database: Database, folder: Path, reports: Path
) -> None:
    """A reader that began before the next catalogue was complete is never overtaken."""
    with watching(database) as runs, busy(database) as session:
        seen = []

        def end_it() -> None:
            wait_until(lambda: runs("query_start < "))
            seen.append(served(database)[0])
            session.cancel()

        thread = threading.Thread(target=end_it)
        thread.start()
        load_catalogue(database.etl, folder, reports)
        thread.join()
    assert seen == [0]
    assert served(database)[0] == 1


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
            run_load(database, large, reports, progress)
        assert progress.done
        assert served(database)[0] == 0
    assert capfd.readouterr() == ("", "")


# What is printed


def test_quiet_shows_no_progress_but_the_summary(
    shared_database: Database, folder: Path, reports: Path
) -> None:
    quiet = flask_etl(shared_database, "load", folder, "--report", reports, "--quiet")
    assert quiet.returncode == 0
    assert quiet.stderr == ""
    assert account(quiet.stdout) == SUMMARY | {"total": (18, 18, 0, 0)}
    said = flask_etl(shared_database, "load", folder, "--report", reports)
    assert said.returncode == 0
    for name in SUMMARY:
        size = (folder / name).stat().st_size
        assert f"reading {name}, {size} bytes\n" in said.stderr
    assert said.stderr.endswith("publishing\n")
    assert account(said.stdout) == account(quiet.stdout)


@pytest.mark.parametrize("status", [0, 1])
def test_bars_on_a_terminal(
    shared_database: Database, folder: Path, reports: Path, status: int
) -> None:
    if status:
        many(folder)
        (reports / "rejects.csv").symlink_to("/dev/full")
    controller, terminal = pty.openpty()
    keywords = command(shared_database, "load", folder, "--report", reports)
    with subprocess.Popen(**keywords | {"stderr": terminal}) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(controller, 4096)
            except OSError:  # the other end is closed
                break
        os.close(controller)
        process.communicate(timeout=60)
    assert process.returncode == status
    lines = shown.decode().splitlines()
    whole = {name for name in SUMMARY for line in lines if name in line and "100%" in line}
    assert whole == set(list(SUMMARY)[: 3 if status else 6])
    # The bar that was cut short gives the cursor back and is not written over.
    hidden, visible = "\x1b[?25l", "\x1b[?25h"
    assert visible in shown.decode().rpartition(hidden)[2]
    assert any(line.startswith("Error: ") for line in lines) == bool(status)


def test_a_folder_whose_name_is_not_utf8(database: Database, folder: Path, reports: Path) -> None:
    odd = reports / os.fsdecode(b"\xff d\xe9p\xf4t")
    add_bad_lines(folder, 1, 5)
    folder.rename(odd)
    done = flask_etl(database, "load", odd, "--report", odd)
    assert done.returncode == 0, done.stderr
    assert "/rejects.csv\n" in done.stdout
    (line,) = flask_etl(database, "history").stdout.splitlines()
    assert line.endswith(r"/\xff d\xe9p\xf4t")


# The generator's command


def test_generate_does_not_overwrite_unless_told(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    done = flask_etl(database, "generate", folder, "--products", "40", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    clean = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(clean) == set(SUMMARY)

    options = ("--products", "40", "--seed", "2", "--dirty")
    refused = flask_etl(database, "generate", folder, *options)
    assert refused.returncode == 1
    assert f"{folder} has products.csv, features.csv, " in refused.stderr
    assert "--force" in refused.stderr
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == clean

    forced = flask_etl(database, "generate", folder, *options, "--force")
    assert forced.returncode == 0
    dirty = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(dirty) == set(clean)
    assert dirty != clean

    report = tmp_path / "report"
    done = flask_etl(database, "load", folder, "--report", report)
    assert done.returncode == 0
    read = account(done.stdout)
    rows = {line.split()[0]: line.split()[1] for line in forced.stdout.splitlines()}
    assert {f"{table}.csv": int(count.replace(",", "")) for table, count in rows.items()} == {
        name: figures[0] for name, figures in read.items() if name != "total"
    }
    assert read["photos.csv"][2] >= 1
    assert read["related.csv"][3] >= 1
    for name in ("products.csv", "features.csv", "styles.csv", "skus.csv"):
        assert read[name][2:] == (0, 0)


def test_generate_refuses_what_it_cannot_do(database: Database, tmp_path: Path) -> None:
    assert flask_etl(database, "generate", tmp_path / "x", "--products", "0").returncode == 2
    (tmp_path / "file").write_text("")
    done = flask_etl(database, "generate", tmp_path / "file", "--products", "1")
    assert done.returncode == 1
    assert "file" in done.stderr
