"""A dump of the whole database, or who else reads what a load builds: no load waits for it."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from etl import patience
from etl.limits import MAX_REJECTS
from etl.outcome import Outcome
from etl.publish import PublishError
from etl.upsert import upsert
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import At, schemas


def beginning(dump: psycopg2.extensions.connection, step: str, *tables: str) -> At:
    """Return what has the session read these tables from a step of a load on."""
    lock = f"LOCK TABLE {', '.join(tables)} IN ACCESS SHARE MODE"
    return At(step, lambda: dump.cursor().execute(lock))


def test_a_load_that_fails_leaves_what_is_read_to_the_next_one(
    shared_database: Database, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    with closing(psycopg2.connect(shared_database.admin)) as dump:
        begin = beginning(dump, "publishing", "catalogue.published_load", "catalogue_next.products")
        with pytest.raises(PublishError, match="long transaction"):
            load_catalogue(shared_database.etl, folder, reports, progress=begin)
    assert "catalogue_next" in schemas(shared_database)
    load_catalogue(shared_database.etl, folder, reports)
    assert "catalogue_next" not in schemas(shared_database)


def test_an_upsert_waits_for_no_dump(
    shared_database: Database, folder: Path, reports: Path
) -> None:
    load_catalogue(shared_database.etl, folder, reports)
    load_catalogue(shared_database.etl, folder, reports)
    done = Outcome(folder)
    with closing(psycopg2.connect(shared_database.admin)) as dump:
        read_all(dump)
        # one that begins while rows are copied, too
        begin = At("checking products.csv", lambda: read_all(dump))
        upsert(shared_database.etl, done, reports, MAX_REJECTS, begin)
        assert "catalogue_previous" in schemas(shared_database)
    assert (done.published, done.trouble) == (True, None)
    load_catalogue(shared_database.etl, folder, reports)


def read_all(dump: psycopg2.extensions.connection) -> None:
    """Lock every table that others may see, as pg_dump does."""
    with dump.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname !~ '^(pg_|information_schema)'"
        )
        tables = ", ".join(name for (name,) in cursor.fetchall())
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")
