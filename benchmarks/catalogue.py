"""The copy of the served catalogue that is measured, in a schema of its own."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from benchmarks.connection import Connection
from benchmarks.errors import BenchmarkError
from benchmarks.steps import step

SCHEMA = "benchmark_index"
# A run that was killed holds its lock until the server notices, within a second.
LOCK_SECONDS = 4


@dataclass(frozen=True)
class Index:
    """An index of the catalogue; `size` is in bytes, as it is served."""

    name: str
    table: str
    primary: bool
    size: int


@dataclass(frozen=True)
class Table:
    """A table of the copy; `size` is in bytes, without indexes."""

    name: str
    rows: int
    size: int


@dataclass(frozen=True)
class Copy:
    """What was copied: of which load, and the indexes that the copy has like the original."""

    load: int
    digest: str
    tables: list[Table]
    indexes: list[Index]


@contextmanager
def own_schema(url: str) -> Iterator[Connection]:
    """Yield a session with the empty schema, which is gone afterwards, however that comes.

    Raises BenchmarkError if another run has it, DatabaseError.
    """
    with closing(_locked(url)) as connection:
        connection.run("drop_schema")
        connection.run("create_schema")
        try:
            yield connection
        finally:
            # Another session: this one may be lost, or have a cancellation on its way.
            connection.close()
            with closing(_locked(url)) as cleaner, step("dropping the copy"):
                cleaner.run("drop_schema")


def _locked(url: str) -> Connection:
    connection = Connection(url)
    deadline = time.monotonic() + LOCK_SECONDS
    while not connection.value("lock_benchmark"):
        if time.monotonic() > deadline:
            connection.close()
            raise BenchmarkError("another `flask bench index` runs on this database")
        time.sleep(0.2)
    return connection


def copy_catalogue(connection: Connection) -> Copy:
    """Copy the tables that are served, rows in their order, and build the same indexes.

    Foreign keys are left out: no read uses them. Raises BenchmarkError, DatabaseError.
    """
    ((number, digest),) = connection.run("get_load")
    names = [name for (name,) in connection.run("list_tables")]
    indexes = [Index(*row) for row in connection.run("list_indexes")]
    for name in names:
        with step(f"copying {name}"):
            connection.run("create_table", table=name)
            connection.run("copy_table", table=name)
    for index in indexes:
        with step(f"building {index.name}"):
            connection.run("build_index", {"index": index.name})
    tables = []
    for name in names:
        with step(f"analysing {name}"):
            connection.run("analyze", table=name)
            tables.append(Table(name, *connection.run("describe_table", table=name)[0]))
    if connection.run("get_load") != [(number, digest)]:
        raise BenchmarkError("another load was published while the catalogue was copied: try again")
    if any(table.name == "products" and not table.rows for table in tables):
        raise BenchmarkError("the catalogue is empty: run `flask etl load`")
    return Copy(number, digest, tables, indexes)


def leave_out(connection: Connection, index: Index) -> None:
    """Drop an index of the copy."""
    if index.primary:
        connection.run("drop_key", table=index.table, index=index.name)
    else:
        connection.run("drop_index", index=index.name)
