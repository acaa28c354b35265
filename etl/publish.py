"""The swap of the catalogue that is served for the next one, and the record of it.

Why no reader ever sees a mixture of the two: docs/decisions/publishing.md.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl.connection import Connection, Json, LockTimeoutError
from etl.errors import EtlError

# A statement of the service ends by its own time limit, far sooner than this.
PATIENCE = 60.0  # seconds


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
    connection.run("set_identity", vars(publication))
    _wait_for_older_statements(connection)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            _swap(connection, publication, migrations)
        except LockTimeoutError:
            if time.monotonic() > deadline:
                raise PublishError(
                    f"another session has held the catalogue for {PATIENCE:.0f} s: look for a "
                    "long transaction (a dump, a report) and load again when it has ended"
                ) from None
            time.sleep(0.1)
        else:
            return


def _wait_for_older_statements(connection: Connection) -> None:
    complete_at = connection.value("current_time")
    deadline = time.monotonic() + PATIENCE
    while connection.value("count_older_statements", {"complete_at": complete_at}):
        if time.monotonic() > deadline:
            raise PublishError(
                f"a statement of the service has been running for {PATIENCE:.0f} s, far beyond "
                "its time limit: is a session of the server frozen?"
            )
        time.sleep(0.02)


def _swap(connection: Connection, publication: Publication, migrations: str | None) -> None:
    with connection.transaction():
        connection.run("lock_catalogue")
        if connection.value("list_migrations") != migrations:
            raise PublishError("the database was migrated while the load ran: load again")
        connection.run("swap_catalogues")
        record(connection, publication)


def record(connection: Connection, publication: Publication) -> None:
    """Record a load, in the transaction that publishes it."""
    connection.run("record_load", vars(publication) | {"tables": Json(publication.tables)})
