"""What became of a load: told as it goes, asked of the database where it failed, recorded."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from etl import patience
from etl.connection import Connection, DatabaseError
from etl.digest import Digests
from etl.files import SourceFile
from etl.progress import Progress
from etl.publish import Publication
from etl.standbys import await_standbys
from etl.tally import Tally

# How long a server may take to come back, and the lost session to end there.
COMING_BACK = 30.0  # seconds


class Session(NamedTuple):
    """A session of the database: the server's process, and when it began."""

    pid: int
    backend_start: datetime

    @classmethod
    def of(cls, connection: Connection) -> "Session":
        """Return that of a connection."""
        return cls(*connection.run("get_session")[0])


@dataclass
class Outcome:
    """What a load did: filled in as it goes, so that a failed one can be told as well."""

    folder: Path
    tallies: dict[str, Tally] = field(default_factory=dict)  # by file name, in the order of loading
    session: Session | None = None
    started_at: datetime | None = None
    number: int | None = None  # from the moment in which it is about to be published
    digest: str | None = None
    removed: dict[str, int] = field(default_factory=dict)  # rows by table, of an upsert
    published: bool | None = False  # None: nobody could tell
    trouble: str | None = None  # what went wrong although it was published
    seconds: float = 0.0  # from its beginning to its end
    steps: dict[str, float] = field(default_factory=dict)  # seconds of those after the files

    @contextmanager
    def step(self, name: str, shown: str, progress: Progress) -> Iterator[None]:
        """Show that a step runs, and keep its time, also when it fails."""
        started = time.monotonic()
        try:
            with progress.step(shown):
                yield
        finally:
            self.steps[name] = time.monotonic() - started


@contextmanager
def found_out(url: str, outcome: Outcome) -> Iterator[None]:
    """Tell in `outcome` what became of it, also where the session inside failed, closed by then.

    A load that was published does not fail because the answer got lost: that is its `trouble`.
    """
    started = time.monotonic()
    try:
        yield
    except BaseException as error:
        if outcome.number is not None:
            outcome.published = None  # as it is while we ask, and stays if we are stopped meanwhile
            outcome.published = was_published(url, outcome)
        if not (outcome.published and isinstance(error, (DatabaseError, OSError))):
            raise
        outcome.trouble = str(error)
        with suppress(DatabaseError), closing(Connection(url)) as connection:
            show(connection, outcome)
    else:
        outcome.published = True
    finally:
        outcome.seconds = time.monotonic() - started


def was_published(url: str, outcome: Outcome) -> bool | None:
    """Whether a load that failed is published all the same; None if that cannot be found out.

    The answer to a COMMIT may be lost while the COMMIT is not. So the database is asked in another
    session, and a no is believed once the lost one is no more, and not of a standby, to which a URL
    of several servers may lead.
    """
    identity = {
        "number": outcome.number,
        "digest": outcome.digest,
        "started_at": outcome.started_at,
    }
    deadline = time.monotonic() + COMING_BACK
    while True:
        try:
            with closing(Connection(url)) as connection:
                running = connection.value("find_session", outcome.session._asdict())
                if connection.value("find_load", identity):
                    return True
                if not running and not connection.value("is_standby"):
                    return False
        except DatabaseError:
            pass  # it may come back
        if time.monotonic() > deadline:
            return None
        time.sleep(0.1)


def show(connection: Connection, outcome: Outcome) -> None:
    """Wait until whoever reads from a standby sees the load, or tell in `outcome` who does not."""
    if behind := await_standbys(connection):
        said = (
            f"{', '.join(behind)} had not replayed it {patience.PATIENCE:.0f} s later, and shows "
            "the one before meanwhile: see `flask doctor`"
        )
        outcome.trouble = f"{outcome.trouble}; {said}" if outcome.trouble else said


def describe(
    outcome: Outcome, mode: str, sources: Sequence[SourceFile], digests: Digests
) -> Publication:
    """Return the load as it is recorded: of a table without a file, that no line was read."""
    counts = {source.table.name: outcome.tallies[source.name].counts() for source in sources}
    recorded = {
        table: counts.get(table, Tally().counts())
        | {"removed": outcome.removed.get(table, 0)}
        # A sum of hashes is larger than the integers that JSON carries safely.
        | {"rows": digest.rows, "hashes": str(digest.hashes)}
        for table, digest in digests.items()
    }
    folder = name_folder(outcome.folder)
    return Publication(outcome.number, mode, folder, outcome.started_at, outcome.digest, recorded)


def name_folder(folder: Path) -> str:
    """Return the folder's full name as a text that can be written down."""
    return written(os.path.realpath(folder))


def written(name: str | os.PathLike[str]) -> str:
    """Return a name, or a text with names in it, as UTF-8 can have it: bytes that are none by
    escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
