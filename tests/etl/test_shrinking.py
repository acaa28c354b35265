"""How many fewer rows than before a load publishes: --max-shrink."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.commands import etl
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import AS_IT_WAS, ROWS, file_name, flask_etl, served
from tests.servers import query

CUT = "photos.csv: 2 rows loaded where 3 are served, 1 fewer, more than the 0 allowed"


def cut_short(folder: Path, table: str) -> None:
    """Leave out a file's last line, as a copy that ended early may."""
    path = folder / file_name(table)
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")


@pytest.mark.parametrize("limit", ["0", "0%", "33%"])
def test_a_file_that_was_cut_short_is_not_published(
    loaded: Database, folder: Path, reports: Path, limit: str
) -> None:
    cut_short(folder, "photos")
    done = flask_etl(loaded, "load", folder, "--report", reports, "--max-shrink", limit)
    assert done.returncode == 1
    assert f"{CUT} (--max-shrink); nothing was published. Is the file whole?" in done.stderr
    assert done.stderr.endswith(AS_IT_WAS)


@pytest.mark.parametrize("limit", ["1", "34%"])
def test_what_the_limit_allows_is_published(
    database: Database, folder: Path, reports: Path, limit: str
) -> None:
    load_catalogue(database.etl, folder, reports)
    cut_short(folder, "photos")
    done = flask_etl(database, "load", folder, "--report", reports, "--max-shrink", limit)
    assert done.returncode == 0, done.stderr
    assert served(database)[0] == 2


def test_a_row_that_is_rejected_is_one_fewer(loaded: Database, folder: Path, reports: Path) -> None:
    photos = folder / file_name("photos")
    photos.write_text(photos.read_text("utf-8").replace("\n3,", "\nx,"), "utf-8")
    done = flask_etl(loaded, "load", folder, "--report", reports, "--max-shrink", "0")
    assert done.returncode == 1
    assert CUT in done.stderr


def test_what_is_served_counts_with_all_that_was_merged_into_it(
    database: Database, folder: Path, reports: Path
) -> None:
    load_catalogue(database.etl, folder, reports)
    changes = write_catalogue(reports / "changes", {"photos": [(9, 1, "u", "t")]})
    done = flask_etl(database, "load", changes, "--mode", "upsert", "--report", reports)
    assert done.returncode == 0, done.stderr
    done = flask_etl(database, "load", folder, "--report", reports, "--max-shrink", "0")
    assert "photos.csv: 3 rows loaded where 4 are served, 1 fewer" in done.stderr


def test_rows_are_counted_where_no_record_tells(
    database: Database, folder: Path, reports: Path
) -> None:
    load_catalogue(database.etl, folder, reports)
    query(database.admin, "DELETE FROM etl.loads")
    cut_short(folder, "photos")
    done = flask_etl(database, "load", folder, "--report", reports, "--max-shrink", "0")
    assert CUT in done.stderr


def test_the_first_load_and_larger_ones_are_within_any_limit(
    database: Database, folder: Path, reports: Path
) -> None:
    for rows in ({}, ROWS, ROWS):
        write_catalogue(folder, rows)
        done = flask_etl(database, "load", folder, "--report", reports, "--max-shrink", "0")
        assert done.returncode == 0, done.stderr
    assert served(database)[0] == 3


def test_an_upsert_has_no_such_limit() -> None:
    done = CliRunner().invoke(etl, ["load", "nowhere", "--mode", "upsert", "--max-shrink", "5%"])
    assert done.exit_code == 2
    assert "--max-shrink is for whole loads" in done.output
