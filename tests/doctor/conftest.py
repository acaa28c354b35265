"""Catalogues to examine: one to be left as it is, and some to be broken."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.catalogue import load_catalogue, without_wait_callback, write_catalogue
from tests.conftest import Database
from tests.programs import ROOT

ROWS = {
    "products": [(1, "Onesie", "Blend in", "Camouflage", "Jackets", "140")],
    "features": [(1, 1, "Fabric", "Canvas")],
    "styles": [(1, 1, "Forest", None, "140", True)],
    "photos": [(1, 1, "https://e.example/1", "https://e.example/1t")],
    "skus": [(1, 1, "XS", 8), (2, 1, "S", 9)],
}


@pytest.fixture(autouse=True)
def as_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the checkout, and without the wait callback of a service that another test has made."""
    monkeypatch.chdir(ROOT)
    with without_wait_callback():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("catalogue"), ROWS)


@pytest.fixture
def loaded(clone: Callable[[], Database], folder: Path, reports: Path) -> Database:
    """A database with a catalogue, to be broken."""
    database = clone()
    load_catalogue(database.etl, folder, reports)
    return database


@pytest.fixture(scope="module")
def well(clone: Callable[[], Database], folder: Path, tmp_path_factory) -> Database:
    """A database with a catalogue, to be left as it is."""
    database = clone()
    load_catalogue(database.etl, folder, tmp_path_factory.mktemp("report"))
    return database
