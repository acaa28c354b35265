"""What a catalogue's rows are and how they follow one another, as a short text."""

import hashlib
from typing import NamedTuple

from etl.connection import Connection
from etl.files import TABLES, Table
from etl.schemas import SERVED

# Of tables with prices, which are hashed as text.
PRICED = {"products": "digest_products", "styles": "digest_styles"}


class TableDigest(NamedTuple):
    """How many rows a table has, and the sum of their hashes."""

    rows: int
    hashes: int


Digests = dict[str, TableDigest]  # by table


def compute_digests(connection: Connection, schema: str, prefix: str = "") -> Digests:
    """Return the digest of each table of a schema.

    With a `prefix`, for what is named so: views of the tables that have part of their rows.
    """
    return {table.name: _compute(connection, table, schema, prefix) for table in TABLES}


def _compute(connection: Connection, table: Table, schema: str, prefix: str) -> TableDigest:
    place = {"schema": schema, "table": prefix + table.name}
    if statement := PRICED.get(table.name):
        return _read(*connection.run(statement, **place)[0])
    columns = [column.name for column in table.columns]
    return _read(*connection.run("digest_rows", owner=table.owner, columns=columns, **place)[0])


def recorded_digests(connection: Connection) -> Digests:
    """Return what is known of the served catalogue, or reckon it where the record is missing."""
    found = connection.run("get_last_load")
    if not found:
        return compute_digests(connection, SERVED)
    ((tables,),) = found
    return {
        table.name: _read(tables[table.name]["rows"], tables[table.name]["hashes"])
        for table in TABLES
    }


def _read(rows: int, hashes: str) -> TableDigest:
    return TableDigest(rows, int(hashes))


def combine(digests: Digests) -> str:
    """Return the digest of the whole catalogue: the same for the same rows in the same order."""
    lines = (f"{table} {rows} {hashes}" for table, (rows, hashes) in digests.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
