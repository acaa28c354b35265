"""flask etl load --mode upsert: what is served afterwards is what a model in Python says."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.build import BuildError
from etl.connection import DatabaseError
from etl.files import TABLES, FilesError
from etl.limits import MAX_REJECTS, LimitError
from etl.outcome import Outcome
from etl.upsert import upsert
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import (
    ROWS,
    At,
    counts,
    flask_etl,
    rows_of,
    schemas,
    served,
    started,
    texts,
)
from tests.etl.upserts import (
    Model,
    assert_serves,
    merge,
    run_upsert,
    write_changes,
)
from tests.servers import query
from tests.sessions import connect
from tests.waiting import HANG, wait_for


def test_rows_change_come_and_go(database: Database, tmp_path: Path) -> None:
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    changes = {
        "products": [
            (1, "Renamed", None, "", "Jackets", "141.50", False),
            (9, "New", *4 * ["1"], None),
        ],
        "features": [(2, 1, "Moved", None, False), (1, 1, "Fabric", "Wool", False)],
        "styles": [(2, *ROWS["styles"][1][1:], True)],
        "photos": [(3, 1, "changed", None, None), (7, 1, "new", None, None)],
        "related": [(4, 9, 2, False)],
    }
    result = run_upsert(database, write_changes(tmp_path / "changes", changes), tmp_path)
    assert served(database)[0] == result.number == 2
    assert rows_of(database, "features")[-1] == ("2", "1", "Moved", None)
    assert [row[0] for row in rows_of(database, "photos")] == [
        "1",
        "3",
        "7",
    ]  # 2 went with its style
    assert result.removed["styles"] == result.removed["photos"] == 1
    assert schemas(database) == ["catalogue"]
    merged, _ = merge({name: list(rows) for name, rows in ROWS.items()}, changes)
    assert_serves(database, merged, tmp_path / "model")


def test_a_removed_product_takes_all_that_is_its_own(database: Database, tmp_path: Path) -> None:
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    folder = write_changes(tmp_path / "changes", {"products": [(*ROWS["products"][0], True)]})
    done = flask_etl(database, "load", folder, "--mode", "upsert", "--report", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (
        "Removed rows: related 3, skus 2, photos 3, styles 2, features 2, products 1" in done.stdout
    )
    assert rows_of(database, "related") == []
    assert rows_of(database, "skus") == texts([(2, 5, "7, 5", None)])
    listed = flask_etl(database, "history").stdout
    assert listed.startswith("load 2  upsert  ")
    assert " s  1 row, 0 rejected, 13 removed  " in listed.splitlines()[0]


def test_nothing_goes_to_a_style_that_goes_with_its_product(
    database: Database, tmp_path: Path
) -> None:
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    changes = {
        "products": [(*ROWS["products"][0], True)],
        # of the first product's style: from another one's, and a new one
        "skus": [(2, 1, "S", 1, None), (30, 1, "S", 1, None)],
    }
    result = run_upsert(database, write_changes(tmp_path / "changes", changes), tmp_path)
    assert counts(result)["skus.csv"] == (2, 0, 0, 2)
    assert rows_of(database, "skus") == texts([(2, 5, "7, 5", None)])
    assert (tmp_path / "rejects" / "skus.csv").read_text().count("\n") == 3


def test_a_file_that_changes_before_its_rows_are_merged(database: Database, tmp_path: Path) -> None:
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    before = served(database)
    changes = {
        "skus": [(id_, 77, "S", 1, None) for id_ in range(20, 25)],
        "related": [(9, 1, 2, None)],
    }
    folder = write_changes(tmp_path / "changes", changes)
    progress = At("reading related.csv", lambda: os.truncate(folder / "skus.csv", 40))
    with pytest.raises(BuildError, match=r"^skus.csv was changed while it was read: load again$"):
        upsert(database.etl, Outcome(folder), tmp_path, MAX_REJECTS, progress)
    assert progress.done
    assert served(database) == before


def test_what_cannot_be_listed_is_not_published(database: Database, tmp_path: Path) -> None:
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    before = served(database)
    folder = write_changes(tmp_path / "changes", {"skus": [(20, 77, "S", 1, None)]})
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "rejects.csv").symlink_to("/dev/full")
    done = flask_etl(database, "load", folder, "--mode", "upsert", "--report", tmp_path / "reports")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "was published" not in done.stderr
    assert served(database) == before


def test_mended_rejects_are_loaded(database: Database, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path / "all", ROWS)
    with (folder / "skus.csv").open("a") as stream:
        stream.write('8,1,"M",many\n9,77,"L",3\n')
    load_catalogue(database.etl, folder, tmp_path)
    mended = (tmp_path / "rejects").rename(tmp_path / "mended")
    text = (mended / "skus.csv").read_text()
    (mended / "skus.csv").write_text(text.replace("many", "12").replace("77", "2"))
    result = run_upsert(database, mended, tmp_path)
    assert counts(result) == {"skus.csv": (2, 2, 0, 0)}
    assert rows_of(database, "skus")[-2:] == texts([(8, 1, "M", 12), (9, 2, "L", 3)])


def test_rejects_that_are_not_mended_are_rejected_again(database: Database, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path / "all", ROWS)
    # the first carriage return is part of its field, the second one of the line end
    with (folder / "related.csv").open("ab") as stream:
        stream.write(b"7,1,2\r\r\n8,1,2,9\n")
    load_catalogue(database.etl, folder, tmp_path)
    before = served(database)
    again = (tmp_path / "rejects").rename(tmp_path / "again")
    result = run_upsert(database, again, tmp_path)
    assert counts(result) == {"related.csv": (2, 0, 0, 2)}
    assert served(database)[1] == before[1]


def test_an_upsert_waits_for_a_migration_and_holds_nothing(
    database: Database, tmp_path: Path
) -> None:
    """Both take the identity's lock first, so that neither has what the other one wants."""
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    folder = write_changes(tmp_path / "changes", {"skus": [(8, 1, "M", 12, None)]})
    held = """
        SELECT relation::regclass::text, mode FROM pg_locks
        WHERE locktype = 'relation' AND granted AND pid IN (
          SELECT pid FROM pg_locks
          WHERE NOT granted AND relation = 'catalogue.published_load'::regclass)"""
    waits = "SELECT pid FROM pg_locks WHERE NOT granted"
    with closing(psycopg2.connect(database.admin)) as migration, migration.cursor() as cursor:
        cursor.execute("LOCK TABLE catalogue.published_load IN SHARE MODE")
        told = ("load", folder, "--mode", "upsert", "--report", tmp_path, "--quiet")
        with started(database, *told) as process:
            wait_for(lambda: query(database.admin, waits), process)
            locks = query(database.admin, held)
            assert not [name for name, _ in locks if name.startswith("catalogue.")]
            migration.commit()
            assert process.wait(timeout=HANG) == 0
    assert served(database)[0] == 2


def test_too_many_rejects_change_nothing(database: Database, tmp_path: Path) -> None:
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    before = served(database)
    changes = {
        "products": [(2, "Renamed", None, None, None, "1", None)],
        "skus": [(id_, 77, "S", 1, None) for id_ in range(20, 31)],
    }
    folder = write_changes(tmp_path / "changes", changes)
    with pytest.raises(LimitError, match=r"skus.csv: 11 of 11 rows rejected, more than the 10"):
        run_upsert(database, folder, tmp_path)
    assert served(database) == before
    assert (tmp_path / "rejects" / "skus.csv").read_text().count("\n") == 12


def test_places_that_are_used_up_come_back_with_a_whole_load(
    database: Database, tmp_path: Path
) -> None:
    folder = write_catalogue(tmp_path / "all", ROWS)
    load_catalogue(database.etl, folder, tmp_path)
    before = served(database)
    last = "ALTER TABLE catalogue.features ALTER position RESTART WITH 2147483647"
    query(database.admin, last)
    changes = write_changes(
        tmp_path / "changes", {"features": [(id_, 1, "Fit", "Loose", None) for id_ in (70, 71)]}
    )
    with pytest.raises(DatabaseError, match="make a whole load, which begins at 1 again"):
        run_upsert(database, changes, tmp_path)
    assert served(database) == before
    load_catalogue(database.etl, folder, tmp_path)
    run_upsert(database, changes, tmp_path)
    assert served(database)[0] == 3


def test_what_is_no_change_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(FilesError, match=r"expected one or more of products.csv, features.csv"):
        run_upsert(database, tmp_path, tmp_path)
    folder = write_changes(tmp_path / "changes", {"skus": [(1, 1, "S", 1, True)]})
    (folder / "photos.csv").symlink_to(tmp_path / "away" / "photos.csv")
    with pytest.raises(FilesError, match=r"photos\.csv: a link that leads nowhere"):
        run_upsert(database, folder, tmp_path)
    (folder / "photos.csv").unlink()
    done = flask_etl(database, "load", folder)
    assert done.returncode == 1
    assert "missing" in done.stderr
    for table in TABLES:
        (folder / table.file_names[-1]).write_text("id,nonsense\n")
        with pytest.raises(FilesError, match="header not recognised"):
            run_upsert(database, folder, tmp_path)
        (folder / table.file_names[-1]).unlink()


IDS = st.integers(1, 6)
NAMES = st.sampled_from(["a", "b", "", "null"])
PRICES = st.sampled_from(["1", "1.0", "2.50"])
DELETIONS = st.sampled_from([None, False, True])


def tables(*deleted: st.SearchStrategy) -> st.SearchStrategy[Model]:
    """Catalogues whose ids often meet; references may be to what is not there."""

    def rows(*columns: st.SearchStrategy) -> st.SearchStrategy[list[tuple]]:
        row = st.tuples(IDS, *columns, *deleted)
        return st.lists(row, max_size=5, unique_by=lambda row: row[0])

    nullable = st.none() | NAMES
    return st.fixed_dictionaries(
        {
            "products": rows(NAMES, nullable, nullable, nullable, PRICES),
            "features": rows(IDS, NAMES, nullable),
            "styles": rows(IDS, NAMES, st.none() | PRICES, PRICES, st.booleans()),
            "photos": rows(IDS, nullable, nullable),
            "skus": rows(IDS, nullable, st.none() | st.integers(0, 9)),
            "related": rows(IDS, IDS),
        }
    )


@pytest.fixture(scope="module")
def scratch(clone: Callable[[], Database]) -> Database:
    return clone()


@settings(max_examples=40)
@given(model=tables(), changes=tables(DELETIONS))
def test_any_change_of_any_catalogue(scratch: Database, model: Model, changes: Model) -> None:
    empty = {name: [] for name in model}
    new = {name: [(*row, None) for row in rows] for name, rows in model.items()}
    model, _ = merge(empty, new)  # what would be rejected is left out
    with TemporaryDirectory() as name:
        load_catalogue(scratch.etl, write_catalogue(Path(name, "all"), model), Path(name))
        result = run_upsert(scratch, write_changes(Path(name, "changes"), changes), Path(name))
        merged, rejected = merge(model, changes)
        assert sum(tally.rejected for tally in result.tallies.values()) == rejected
        assert_serves(scratch, merged, Path(name, "model"))


def test_readers_see_the_change_at_once_and_whole(database: Database, tmp_path: Path) -> None:
    """A transaction that read before the upsert goes on reading the same catalogue."""
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", ROWS), tmp_path)
    read = (
        "SELECT (SELECT number FROM catalogue.published_load), "
        "(SELECT count(*) FROM catalogue.products)"
    )
    with closing(connect(database.app)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(read)
        assert cursor.fetchone() == (1, 3)
        folder = write_changes(tmp_path / "changes", {"products": [(*ROWS["products"][2], True)]})
        run_upsert(database, folder, tmp_path)
        cursor.execute(read)
        assert cursor.fetchone() == (1, 3)
        connection.rollback()
        cursor.execute(read)
        assert cursor.fetchone() == (2, 2)
