"""What docs/database.md says of the tables is what the migrations make."""

from tests.conftest import Database
from tests.servers import query
from tests.unit.test_docs import DOCS, code, table

PAGE = DOCS["database.md"]


def test_every_column_has_its_row_with_its_type(shared_database: Database) -> None:
    there = query(
        shared_database.admin,
        """SELECT table_name || '.' || column_name, data_type, is_nullable
        FROM information_schema.columns WHERE table_schema IN ('catalogue', 'etl')""",
    )
    loads = PAGE.partition("## The record of loads")[2]
    rows = [*table(PAGE.partition("## The record of loads")[0], "column"), *table(loads, "column")]
    written = [
        (code(name)[0], kind, {"": "NO", "yes": "YES"}[null]) for name, kind, null, _ in rows
    ]
    assert sorted(written) == sorted(there)


def test_every_schema_has_its_row(shared_database: Database) -> None:
    there = query(
        shared_database.admin,
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'",
    )
    written = {code(cells[0])[0] for cells in table(PAGE, "schema")}
    assert {name for (name,) in there} <= written
