"""What a load's session is given by its surroundings: encodings, options."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from etl.connection import Connection
from etl.errors import LoadError
from etl.load_lock import take_load_lock
from tests.conftest import Database
from tests.etl.loads import ROWS, flask_etl, rows_of, texts
from tests.servers import Server, query


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
            take_load_lock(connection)
    finally:
        query(server.url(), "DROP DATABASE latin")


@pytest.mark.parametrize("command", ["load", "verify"])
def test_a_session_that_only_reads_is_told_what_to_do(
    shared_database: Database, folder: Path, reports: Path, command: str
) -> None:
    url = f"{shared_database.etl}&options=-c%20default_transaction_read_only%3Don"
    surroundings = SimpleNamespace(
        environment=shared_database.environment | {"ETL_DATABASE_URL": url}
    )
    report = ("--report", reports) if command == "load" else ()
    done = flask_etl(surroundings, command, folder, *report)
    assert done.returncode != 0
    assert "Set ETL_DATABASE_URL to the primary" in done.stderr


def test_options_of_the_url_hold(shared_database: Database) -> None:
    url = f"{shared_database.etl}&options=-c%20work_mem%3D77MB"
    with closing(Connection(url)) as connection:
        cursor = connection._connection.cursor()
        for setting, value in {"work_mem": "77MB", "statement_timeout": "0"}.items():
            cursor.execute(f"SHOW {setting}")
            assert cursor.fetchone() == (value,)
