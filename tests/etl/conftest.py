"""What the tests of loads need beside the fixtures of all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogue import load_catalogue, without_wait_callback, write_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, recorded, rows_of, served, texts


@pytest.fixture(autouse=True)
def no_wait_callback() -> Iterator[None]:
    with without_wait_callback():
        yield


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose load takes a second or two: long enough to be met on its way."""
    products = range(1, 8_001)
    styles = range(1, 16_001)
    skus = range(1, 96_001)
    return write_catalogue(
        tmp_path_factory.mktemp("large"),
        {
            # One row is rejected at once, so that a report is begun.
            "products": [(id_, f"Product {id_}", "", None, None, id_) for id_ in [*products, 0]],
            "features": [(id_, id_ % 8_000 + 1, "Fit", f"Value {id_}") for id_ in styles],
            "styles": [(id_, (id_ + 1) // 2, "Red", None, id_, False) for id_ in styles],
            "photos": [(id_, id_ % 16_000 + 1, f"https://e.example/{id_}", "") for id_ in styles],
            "skus": [(id_, id_ % 16_000 + 1, "XS", id_) for id_ in skus],
            "related": [(id_, id_ % 8_000 + 1, 8_000 - id_ // 2) for id_ in styles if id_ < 16_000],
        },
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small catalogue."""
    return write_catalogue(tmp_path / "catalogue", ROWS)


@pytest.fixture
def loaded(shared_database: Database, tmp_path: Path) -> Iterator[Database]:
    """A database that serves the small catalogue, and must still do so after the test."""
    folder = write_catalogue(tmp_path / "served", ROWS)
    load_catalogue(shared_database.etl, folder, tmp_path / "served")
    before = served(shared_database), recorded(shared_database)
    yield shared_database
    assert (served(shared_database), recorded(shared_database)) == before
    assert rows_of(shared_database, "skus") == texts(ROWS["skus"])
