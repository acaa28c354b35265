"""The indexes of the catalogue: etl/sql/indexes.sql says which and why, the server how they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

from etl import patience
from etl.connection import Connection, read_parts
from etl.errors import EtlError
from etl.schemas import SERVED

KEY = "the key: keeps rows unique"
NOT_OURS = "none of ours: the next load leaves it out"
_DEFINITION = re.compile(r"^CREATE INDEX (\w+)\s+ON \{schema\}\.(\w+)", re.MULTILINE)


class IndexesError(EtlError):
    """What was asked of an index cannot be done; the message says why."""


@dataclass(frozen=True)
class Index:
    """An index that a load builds; `purpose` is the first sentence of its comment."""

    name: str
    table: str
    purpose: str
    part: int  # where it stands in indexes.sql


@dataclass(frozen=True)
class IndexState:
    """An index as it stands in the catalogue that is served, or is missing from it.

    `size` is in bytes, `scans` are those since it was built or statistics were last reset; both
    are None where it is missing.
    """

    name: str
    table: str
    key: bool
    state: str  # valid, not valid or missing
    size: int | None
    scans: int | None
    purpose: str


@cache
def read_indexes() -> dict[str, Index]:
    """Return the indexes that a load builds by name, in the order of indexes.sql."""
    found = {}
    for part, text in enumerate(read_parts("indexes")):
        if definition := _DEFINITION.search(text):
            comment = text[: definition.start()]
            words = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
            name, table = definition.groups()
            found[name] = Index(name, table, words.split(". ")[0].removesuffix("."), part)
    return found


def choose_indexes(names: Sequence[str]) -> list[Index]:
    """Return the indexes of these names, all if there are none. Raises IndexesError."""
    indexes = read_indexes()
    if unknown := [name for name in names if name not in indexes]:
        raise IndexesError(
            f"{', '.join(unknown)}: not among the indexes that can be dropped and built, which are "
            f"{', '.join(indexes)}. Keys (names in _pkey) cannot: they keep ids unique, and "
            "upserts find rows by them"
        )
    return [indexes[name] for name in dict.fromkeys(names)] or list(indexes.values())


def list_indexes(connection: Connection) -> list[IndexState]:
    """Return every index of the catalogue that is served, then those that are missing from it.

    Raises DatabaseError, also where the database is not migrated.
    """
    connection.require_catalogue()
    indexes = read_indexes()
    states = []
    for name, table, key, valid, size, scans in connection.run("list_indexes"):
        purpose = KEY if key else indexes[name].purpose if name in indexes else NOT_OURS
        state = "valid" if valid else "not valid"
        states.append(IndexState(name, table, key, state, size, scans, purpose))
    there = {state.name for state in states}
    states += [
        IndexState(index.name, index.table, False, "missing", None, None, index.purpose)
        for index in indexes.values()
        if index.name not in there
    ]
    return states


def drop_index(connection: Connection, index: Index) -> None:
    """Drop an index of the served catalogue, which is there. Raises IndexesError.

    The session has the lock of loads. Readers wait for moments only.
    """
    patience.insist(
        partial(connection.run, "drop_index", index=index.name),
        IndexesError(
            f"{index.name}: another session has held {index.table} for {patience.PATIENCE:.0f} s: "
            "look for a long transaction (a dump, a report) and drop again when it has ended"
        ),
    )


def build_index(connection: Connection, index: Index) -> None:
    """Build an index of the served catalogue that lacks it. Raises IndexesError.

    The session has the lock of loads, so nobody writes; readers are not disturbed.
    """
    if (index.name, "not valid") in [(each.name, each.state) for each in list_indexes(connection)]:
        raise IndexesError(
            f"{index.name} is there and not valid, as building it by hand may leave it: "
            f"`flask etl index drop {index.name}` first"
        )
    connection.run_part("indexes", index.part, schema=SERVED)
