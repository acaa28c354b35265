"""Folders for an embedded server: one that was never started, and one that has a table."""

import pytest

from products_service import embedded
from tests.embedded.user import copy, query
from tests.servers import checkout


@pytest.fixture
def devdb():
    """The path of a server that was never started."""
    with checkout("two words") as folder:
        yield folder / ".devdb"


@pytest.fixture(scope="module")
def template():
    with checkout() as folder:
        with embedded.running(folder / ".devdb"):
            query(folder / ".devdb", "CREATE TABLE kept AS SELECT 1")
        yield folder / ".devdb"


@pytest.fixture
def used(template):
    """The path of a server that was started before and has a table, `kept`."""
    with checkout("two words") as folder:
        copy(template, folder / ".devdb")
        yield folder / ".devdb"
