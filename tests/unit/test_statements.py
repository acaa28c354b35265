"""The statements: read from their files, and made anew for several products at once."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from products_service.statements import all_for_each, all_prepared, read_statement, read_statements
from tests.servers import Server

SQL = Path(__file__).parents[2] / "products_service" / "sql"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1",
        "-- another()\nSELECT 1",
        "-- stated\nSELECT 1",
        "-- stated(id integer\nSELECT 1",
        "-- stated(id integer) \nSELECT 1",
        "/* stated() */\nSELECT 1",
        "\n-- stated()\nSELECT 1",
        "-- stated(ID integer)\nSELECT 1",
        "-- stated()",
    ],
)
def test_statement_without_its_signature_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"sql/stated\.sql must begin with"):
        read_statement("stated", text)


def test_statement_is_read_with_its_parameters() -> None:
    text = "-- stated(id integer, after bigint, ids integer[])\n-- why\nSELECT 1"
    statement = read_statement("stated", text)
    assert statement.parameters == (("id", "integer"), ("after", "bigint"), ("ids", "integer[]"))
    assert statement.prepare == f"PREPARE stated (integer, bigint, integer[]) AS\n{text}"
    assert statement.execute == "EXECUTE stated (%s, %s, %s)"
    assert read_statement("stated", "-- stated()\nSELECT 1").execute.strip() == "EXECUTE stated"


def test_statement_of_a_product_can_be_had_for_several(server: Server) -> None:
    statement = read_statement(
        "told", "-- told(product_id integer)\nSELECT 7, 'a', $1 || '$10' WHERE $1 > 0 -- no more"
    )
    each = statement.for_each
    assert (each.name, each.parameters) == ("told_for_each", (("told_ids", "integer[]"),))
    assert all_prepared([statement]) == [statement, each]
    with closing(psycopg2.connect(server.url())) as connection, connection.cursor() as cursor:
        cursor.execute(each.prepare)
        cursor.execute(each.execute, ([30, 5, 30],))
        assert cursor.fetchall() == [(7, "a", "30$10"), (7, "a", "5$10"), (7, "a", "30$10")]
        cursor.execute(each.execute, ([],))
        assert cursor.fetchall() == []


def test_statements_of_a_product_can_be_had_as_one(server: Server) -> None:
    told = read_statement("told", "-- told(product_id integer)\nSELECT 7, 'a', $1::text")
    half = read_statement("half", "-- half(product_id integer)\nSELECT 8, 'b', ($1 / 2)::text")
    other = read_statement("other", "-- other()\nSELECT 1")
    both = all_for_each([told, other, half])
    assert all_prepared([told, other, half])[-1] == both
    with closing(psycopg2.connect(server.url())) as connection, connection.cursor() as cursor:
        cursor.execute(both.prepare)
        cursor.execute(both.execute, ([9, 3], [8, 9, 2]))
        rows = [(7, "a", "9"), (7, "a", "3"), (8, "b", "4"), (8, "b", "4"), (8, "b", "1")]
        assert cursor.fetchall() == rows
        cursor.execute(both.execute, ([], [6]))
        assert cursor.fetchall() == [(8, "b", "3")]


@pytest.mark.parametrize("parameters", ["", "id integer", "product_id integer, also boolean"])
def test_statement_of_something_else_cannot(parameters: str) -> None:
    statement = read_statement("told", f"-- told({parameters})\nSELECT 1")
    assert statement.for_each is None
    assert all_prepared([statement]) == [statement]


def test_statements_are_the_files() -> None:
    files = {file.stem: file.read_text("utf-8") for file in SQL.glob("*.sql")}
    assert "get_product" in files
    assert {name: statement.sql for name, statement in read_statements().items()} == files
