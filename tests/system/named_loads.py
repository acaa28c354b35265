"""Catalogues whose one product tells by its name which load it is of."""

from collections.abc import Callable

import pytest

from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database

Publish = Callable[[str], None]

PATH = "/products/1"
_other = iter(range(10**9))


def publishing(database: Database, folders: pytest.TempPathFactory) -> Publish:
    """Publish the first one; return what publishes another one, of that name."""

    def load(name: str) -> None:
        rows = {"products": [(1, name, name, name * 500, name, "1")]}
        folder = write_catalogue(folders.mktemp("catalogue"), rows)
        load_catalogue(database.etl, folder, folders.mktemp("report"))

    load("first")
    return load


def another(path: str = PATH) -> str:
    """Return a URL of the product, or of another path, that nobody has asked for."""
    return f"{path}{'&' if '?' in path else '?'}other={next(_other)}"
