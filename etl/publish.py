"""The swap of the catalogue that is served for the next one, and the record of it.

Why no reader ever sees a mixture of the two: docs/decisions/publishing.md.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from etl import patience
from etl.connection import Connection, Json
from etl.errors import EtlError
from etl.files import TABLES
from etl.standbys import await_standbys

# No statement of the service runs longer: DB_STATEMENT_TIMEOUT_MS of its settings, as shipped.
STATEMENT_TIMEOUT = 0.5  # seconds
# What a catalogue is made of; indexes and keys belong to these.
OURS = [*(table.name for table in TABLES), "product_ranks", "published_load"]


class PublishError(EtlError):
    """The next catalogue was complete but could not be published; the served one is as it was."""


@dataclass(frozen=True)
class Publication:
    """A load as it is recorded."""

    number: int
    mode: str  # replace or upsert
    source: str
    started_at: datetime
    digest: str
    tables: dict[str, Any]


def publish(connection: Connection, publication: Publication, migrations: str | None) -> None:
    """Put catalogue_next in the place of the catalogue, in one transaction.

    Raises PublishError when statements of others do not let go of the catalogue, or when its
    tables were migrated while the load ran.
    """
    connection.run("insert_identity", vars(publication))
    if connection.value("count_standbys"):
        await_standbys(connection)
        # nobody here can see what runs there
        time.sleep(STATEMENT_TIMEOUT)
    _wait_for_older_statements(connection)
    patience.insist(
        partial(_swap, connection, publication, migrations),
        PublishError(
            f"another session has held the catalogue for {patience.PATIENCE:.0f} s: look for a "
            "long transaction (a dump, a report) and load again when it has ended"
        ),
    )


def _wait_for_older_statements(connection: Connection) -> None:
    complete_at = connection.value("current_time")
    deadline = time.monotonic() + patience.PATIENCE
    while connection.value("count_older_statements", {"complete_at": complete_at}):
        if time.monotonic() > deadline:
            raise PublishError(
                f"a statement of the service has been running for {patience.PATIENCE:.0f} s, far "
                "beyond its time limit: is a session of the server frozen?"
            )
        time.sleep(0.02)


def _swap(connection: Connection, publication: Publication, migrations: str | None) -> None:
    with connection.transaction():
        connection.run("lock_catalogue")
        if connection.value("list_migrations") != migrations:
            raise PublishError("the database was migrated while the load ran: load again")
        if strangers := name_strangers(connection):
            raise PublishError(strangers)
        connection.run("copy_grants")
        connection.run("swap_catalogues")
        record(connection, publication)


def name_strangers(connection: Connection) -> str:
    """Return what others keep in the schema that is served, and why not; nothing if they do not."""
    names = [name for (name,) in connection.run("list_strangers", {"tables": OURS})]
    if not names:
        return ""
    return (
        f"schema catalogue has {', '.join(names)} beside the service's tables, which a load would "
        "drop in time: drop a view, which goes with the tables that it reads wherever it is, move "
        "anything else to a schema of its own (ALTER ... SET SCHEMA), and load again"
    )


def record(connection: Connection, publication: Publication) -> None:
    """Record a load, in the transaction that publishes it."""
    connection.run("record_load", vars(publication) | {"tables": Json(publication.tables)})
