"""SQL in every place where a client can put text: it changes nothing and is refused."""

from contextlib import closing
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from flask.testing import FlaskClient

from tests.conftest import Database
from tests.http.conftest import Serve
from tests.sessions import connect

ATTEMPTS = [
    "1; DROP TABLE catalogue.products",
    "1'; DROP TABLE catalogue.products; --",
    "1 OR 1=1",
    "1) OR (1=1",
    "1 UNION SELECT usename FROM pg_user",
    "(SELECT pg_sleep(10))",
    "1/**/",
    "%s",
    "%(product_id)s",
    "$1",
    "{0}",
    "E'\\x27'",
    "\\",
    "1\x00",
    "\ufeff1",
]


@pytest.fixture(scope="module")
def client(shared_database: Database, serve: Serve) -> FlaskClient:
    rows = {"products": [(1, "name", None, None, None, "1")]}
    return serve(shared_database, rows).test_client()


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_paths(client: FlaskClient, attempt: str) -> None:
    for tail in ("", "/styles", "/related"):
        assert client.get(f"/products/{quote(attempt, safe='')}{tail}").status_code == 404


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("parameter", ["page", "count", "after", "ids"])
def test_queries(client: FlaskClient, parameter: str, attempt: str) -> None:
    assert client.get(f"/products?{parameter}={quote(attempt, safe='')}").status_code == 400


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_texts(client: FlaskClient, attempt: str) -> None:
    for parameter in ("q", "category"):
        response = client.get(f"/products?{parameter}={quote(attempt, safe='')}")
        assert response.status_code == (400 if "\x00" in attempt else 200)
        assert response.status_code == 400 or response.json == []
    included = client.get(f"/products/1?include={quote(attempt, safe='')}")
    assert included.status_code == 400


def test_nothing_has_changed(client: FlaskClient, shared_database: Database) -> None:
    def everything() -> dict[str, list[tuple[Any, ...]]]:
        with psycopg2.connect(shared_database.admin) as admin, admin.cursor() as cursor:
            cursor.execute(
                "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' "
                "AND relnamespace::regnamespace::text IN ('catalogue', 'etl', 'public')"
            )
            tables = [name for (name,) in cursor.fetchall()]
            rows = {}
            for table in tables:
                cursor.execute(f"SELECT * FROM {table}")
                rows[table] = cursor.fetchall()
            return rows

    before = everything()
    assert "name" in before["catalogue.products"][0]
    for attempt in ATTEMPTS:
        quoted = quote(attempt, safe="")
        for path in (f"/{quoted}", f"/1?include={quoted}", f"?x={quoted}", f"?q={quoted}"):
            client.get(f"/products{path}", headers={"X-Request-ID": quote(attempt)})
        for name in ("page", "count", "after", "ids", "category"):
            client.get(f"/products?{name}={quoted}")
    assert everything() == before


def test_the_service_could_not_write_anyway(shared_database: Database) -> None:
    """Nor may it when it takes its own read-only setting off."""
    with closing(connect(shared_database.app)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SET default_transaction_read_only = off")
        for statement in (
            "DELETE FROM catalogue.products",
            "CREATE TABLE catalogue.other ()",
            "CREATE SCHEMA other",
            "SELECT * FROM etl.loads",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
