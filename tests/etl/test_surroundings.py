"""What a load's session is given by its surroundings: encodings, options."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from etl.connection import Connection
from etl.load import LoadError, take_turn
from tests.conftest import Database
from tests.etl.loads import ROWS, flask_etl, query, rows_of, texts
from tests.servers import Server


def test_texts_are_what_the_files_have_whatever_the_client_s_encoding(
    database: Database, folder: Path, reports: Path
) -> None:
    surroundings = SimpleNamespace(
        environment=database.environment | {"PGCLIENTENCODING": "LATIN1"}
    )
    done = flask_etl(surroundings, "load", folder, "--report", reports)
    assert done.returncode == 0
    assert rows_of(database, "products") == texts(ROWS["products"])


def test_database_that_cannot_keep_every_text_is_refused(server: Server) -> None:
    made = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    query(server.url(), made)
    try:
        with (
            closing(Connection(server.url(database="latin"))) as connection,
            pytest.raises(LoadError, match="encoding is LATIN1"),
        ):
            take_turn(connection)
    finally:
        query(server.url(), "DROP DATABASE latin")


def test_options_of_the_url_hold(shared_database: Database) -> None:
    url = f"{shared_database.etl}&options=-c%20work_mem%3D77MB"
    with closing(Connection(url)) as connection:
        cursor = connection._connection.cursor()
        for setting, value in {"work_mem": "77MB", "statement_timeout": "0"}.items():
            cursor.execute(f"SHOW {setting}")
            assert cursor.fetchone() == (value,)
