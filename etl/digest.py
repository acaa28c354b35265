"""What a catalogue's rows are and how they follow one another, as a short text."""

import hashlib

from etl.connection import Connection
from etl.files import TABLES
from etl.schemas import SERVED

# The files of etl/sql that reckon a table, named here so that a search for one finds what runs it.
_STATEMENTS = {
    "products": "digest_products",
    "features": "digest_features",
    "styles": "digest_styles",
    "photos": "digest_photos",
    "skus": "digest_skus",
    "related": "digest_related",
}

Digests = dict[str, tuple[int, int]]


def compute_digests(connection: Connection, schema: str, prefix: str = "") -> Digests:
    """Return for each table of a schema its number of rows and the sum of their hashes.

    With a `prefix`, for what is named so: views of the tables that have part of their rows.
    """
    return {
        table.name: _read(
            connection.run(_STATEMENTS[table.name], schema=schema, table=prefix + table.name)[0]
        )
        for table in TABLES
    }


def recorded_digests(connection: Connection) -> Digests:
    """Return what is known of the served catalogue, or reckon it where the record is missing."""
    found = connection.run("get_last_load")
    if not found:
        return compute_digests(connection, SERVED)
    return {
        table.name: (found[0][0][table.name]["rows"], int(found[0][0][table.name]["hashes"]))
        for table in TABLES
    }


def _read(row: tuple[int, str]) -> tuple[int, int]:
    return row[0], int(row[1])


def combine(digests: Digests) -> str:
    """Return the digest of the whole catalogue: the same for the same rows in the same order."""
    lines = (f"{table} {rows} {hashes}" for table, (rows, hashes) in digests.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
