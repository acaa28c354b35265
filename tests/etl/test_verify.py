"""flask etl verify: the served catalogue against a folder, without touching it."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from etl.build import BuildError
from etl.connection import Connection
from etl.verify import VerifyError, verify
from tests.catalogue import Rows, load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, At, flask_etl, schemas, served
from tests.servers import query


@pytest.fixture(scope="module")
def loaded(
    clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Database, Path]:
    """A database with the small catalogue, and the folder that it came from."""
    database = clone()
    folder = write_catalogue(tmp_path_factory.mktemp("verify") / "catalogue", ROWS)
    load_catalogue(database.etl, folder, tmp_path_factory.mktemp("report"))
    return database, folder


def test_the_folder_that_was_loaded_is_equal(loaded: tuple[Database, Path]) -> None:
    database, folder = loaded
    before = served(database), schemas(database)
    done = flask_etl(database, "verify", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("equal") == len(ROWS)
    assert (served(database), schemas(database)) == before


def test_other_dialects_and_rejected_lines_are_equal(
    loaded: tuple[Database, Path], tmp_path: Path
) -> None:
    database, _ = loaded
    folder = write_catalogue(tmp_path / "other", ROWS, ", ", camel=True)
    with (folder / "related.csv").open("a") as stream:
        stream.write("9, 1, 0\n9, 77, 1\n")
    assert flask_etl(database, "verify", folder, "--quiet").returncode == 0


def changed(table: str, number: int, row: tuple) -> Rows:
    rows = dict(ROWS)
    rows[table] = [*ROWS[table][:number], row, *ROWS[table][number + 1 :]]
    return rows


CHANGES = {
    "a text": ("features", changed("features", 0, (1, 1, "Fabric", "canvas"))),
    "null for empty": (
        "products",
        changed("products", 1, (2, 'The "X"', None, None, "null", "69.90")),
    ),
    "the scale of a price": (
        "products",
        changed("products", 0, (*ROWS["products"][0][:5], "140.0")),
    ),
    "the scale of a sale price": (
        "styles",
        changed("styles", 2, (5, 2, "Gold", "0.50", "69", False)),
    ),
    "a flag": ("styles", changed("styles", 1, (2, 1, "Desert, dry", "100.50", "140.00", True))),
    "a parent": ("photos", changed("photos", 2, (2, 1, "https://e.example/2", None))),
    "a row less": ("skus", dict(ROWS) | {"skus": ROWS["skus"][:2]}),
    "an order within a parent": (
        "photos",
        dict(ROWS) | {"photos": ROWS["photos"][1::-1] + ROWS["photos"][2:]},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_difference_is_found_in_its_table(
    loaded: tuple[Database, Path], tmp_path: Path, change: str
) -> None:
    database, _ = loaded
    table, rows = CHANGES[change]
    folder = write_catalogue(tmp_path / "changed", rows)
    done = flask_etl(database, "verify", folder, "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert not result["equal"]
    assert [found["table"] for found in result["tables"] if not found["equal"]] == [table]


def test_order_across_parents_does_not_matter(
    loaded: tuple[Database, Path], tmp_path: Path
) -> None:
    database, _ = loaded
    photos = [ROWS["photos"][2], *ROWS["photos"][:2]]
    folder = write_catalogue(tmp_path / "moved", dict(ROWS) | {"photos": photos})
    assert flask_etl(database, "verify", folder).returncode == 0


def test_a_running_load_is_no_hindrance(loaded: tuple[Database, Path]) -> None:
    database, folder = loaded
    with closing(Connection(database.etl)) as other:
        assert other.value("lock_loads")
        assert flask_etl(database, "verify", folder).returncode == 0


def test_files_that_change_meanwhile_are_not_compared(
    loaded: tuple[Database, Path], tmp_path: Path
) -> None:
    database, folder = loaded
    copied = shutil.copytree(folder, tmp_path / "copied")
    progress = At("reading related.csv", lambda: os.truncate(copied / "skus.csv", 40))
    with pytest.raises(BuildError, match=r"^skus.csv was changed while it was read: "):
        verify(database.etl, copied, progress)
    assert progress.done


def test_a_catalogue_that_changes_meanwhile_is_not_compared(
    loaded: tuple[Database, Path],
) -> None:
    database, folder = loaded
    renumber = partial(query, database.admin, "UPDATE catalogue.published_load SET number = %s")
    progress = At("computing the served catalogue's digest", lambda: renumber(2))
    try:
        with pytest.raises(VerifyError, match=r"^a load was published meanwhile: verify again$"):
            verify(database.etl, folder, progress)
    finally:
        renumber(1)
    assert progress.done


def test_what_cannot_be_compared_is_said(loaded: tuple[Database, Path], tmp_path: Path) -> None:
    database, _ = loaded
    done = flask_etl(database, "verify", tmp_path)
    assert done.returncode == 1
    assert "products.csv: missing" in done.stderr
    assert query(database.admin, "SELECT count(*) FROM etl.loads") == [(1,)]
