"""Disks that are too small, or fill up in the middle: the catalogue that is served stays whole."""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from etl.connection import DatabaseError
from tests.catalogue import load_catalogue
from tests.conftest import Database, migrated
from tests.etl.disks import fill, small_disk
from tests.etl.loads import (
    AS_IT_WAS,
    ROWS,
    At,
    add_long_bad_lines,
    flask_etl,
    rows_of,
    schemas,
    served,
    texts,
)
from tests.servers import Server, query, throwaway
from tests.waiting import wait_for

# A server whose disk is full is slow to recover, and the other tests share it.
pytestmark = pytest.mark.slow

MB = 1 << 20


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk with room for two or three of the large catalogue."""
    with small_disk(100 * MB) as folder:
        yield folder


@pytest.fixture
def cramped(
    server: Server, clone: Callable[[], Database], disk: Path, folder: Path, reports: Path
) -> Iterator[Database]:
    """A database on the small disk, which serves the small catalogue and must go on doing so."""
    database = clone()
    place = disk / "tablespace"
    place.mkdir()
    if server.account is not None:
        os.chown(place, *server.account)
    space = f"space_of_{database.name}"
    query(server.url(), f"CREATE TABLESPACE {space} LOCATION '{place}'")
    query(server.url(), f"ALTER DATABASE {database.name} SET TABLESPACE {space}")
    query(server.url(), f"GRANT CREATE ON TABLESPACE {space} TO PUBLIC")
    try:
        load_catalogue(database.etl, folder, reports)
        before = served(database)
        yield database
        # First: on a disk that is full PostgreSQL may let nobody in, for want of a file of its own.
        (disk / "filler").unlink(missing_ok=True)
        assert served(database) == before
        assert rows_of(database, "skus") == texts(ROWS["skus"])
        result = load_catalogue(database.etl, folder, reports)
        assert served(database) == (before[0] + 1, result.digest)
        assert schemas(database) == ["catalogue", "catalogue_previous"]
    finally:
        # Whatever happened: a server whose database's disk is gone serves no other test either.
        (disk / "filler").unlink(missing_ok=True)
        query(server.url(), f"DROP DATABASE {database.name} WITH (FORCE)")
        query(server.url(), f"DROP TABLESPACE {space}")


def test_a_disk_that_is_too_small_is_refused_beforehand(
    cramped: Database, disk: Path, large: Path, reports: Path
) -> None:
    fill(disk)
    os.truncate(disk / "filler", (disk / "filler").stat().st_size - 5 * MB)
    done = flask_etl(cramped, "load", large, "--report", reports)
    assert done.returncode == 1
    assert "the disk of the server's data has 5 MB free and the load takes about " in done.stderr
    assert f"make room in {disk}" in done.stderr
    assert done.stderr.endswith(AS_IT_WAS)
    assert "reading" not in done.stderr
    assert schemas(cramped) == ["catalogue"]


@pytest.mark.parametrize(
    "point", ["begin reading skus.csv", "checking skus.csv", "building indexes", "analysing"]
)
def test_a_disk_that_fills_up_in_the_middle(
    cramped: Database, disk: Path, large: Path, reports: Path, point: str
) -> None:
    progress = At(point, partial(fill, disk))
    with pytest.raises(DatabaseError, match="No space left on device"):
        load_catalogue(cramped.etl, large, reports, progress=progress)
    assert progress.done


def test_a_disk_without_room_for_the_log(
    large: Path, folder: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything of the server is on the disk that fills up: it may well crash."""
    with small_disk(600 * MB) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with throwaway() as server:
            database = migrated(server)
            load_catalogue(database.etl, folder, reports)
            before = served(database)
            with pytest.raises(DatabaseError):
                load_catalogue(
                    database.etl,
                    large,
                    reports,
                    progress=At("reading photos.csv", partial(fill, disk)),
                )
            (disk / "filler").unlink()
            wait_for(server.answers)
            assert served(database) == before
            assert load_catalogue(database.etl, large, reports).published


def test_a_report_that_fills_its_disk(loaded: Database, folder: Path) -> None:
    add_long_bad_lines(folder)
    with small_disk(64 * 1024) as disk:
        done = flask_etl(loaded, "load", folder, "--report", disk, "--max-rejects", "100%")
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert str(disk) in done.stderr
        assert done.stderr.endswith(AS_IT_WAS)
        assert "Exception ignored" not in done.stderr
