"""A dump of the whole database, or who else reads what a load builds: no load waits for it."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from etl import patience
from etl.limits import MAX_REJECTS
from etl.load import Load
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


def test_an_upsert_leaves_what_is_read_to_the_next_load(
    shared_database: Database, folder: Path, reports: Path
) -> None:
    load_catalogue(shared_database.etl, folder, reports)
    done = Load(folder, {})
    with closing(psycopg2.connect(shared_database.admin)) as dump:
        begin = beginning(dump, "merging", "catalogue_changes.products")
        upsert(shared_database.etl, done, reports, MAX_REJECTS, begin)
    assert (done.published, done.trouble) == (True, None)
    load_catalogue(shared_database.etl, folder, reports)
    assert "catalogue_changes" not in schemas(shared_database)
