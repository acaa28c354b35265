"""The application in this process, with a catalogue of a module's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from tests.catalogue import Rows, publish
from tests.conftest import Database, make_app

Serve = Callable[[Database, Rows], Flask]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Loads rows into a database and makes an application that serves them."""
    with ExitStack() as stack:

        def make(database: Database, rows: Rows) -> Flask:
            publish(database.etl, rows, tmp_path_factory)
            app = make_app(database)
            stack.callback(app.extensions["database"].close)
            return app

        yield make
