"""One file into one table: its rows copied, its keys made to hold, every line accounted for."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from etl.clean import Cleaner, Incident
from etl.connection import Connection, DatabaseError, ViolationError
from etl.errors import EtlError
from etl.files import Column, FilesError, SourceFile, read_header
from etl.interruption import HeldSignals
from etl.progress import Progress
from etl.report import Listing
from etl.rereading import locate_lines, naming
from etl.tally import Tally

# So many take about a second to list.
_MANY_REJECTS = 30_000


class BuildError(EtlError):
    """A file could not be taken in; the message names it."""


@dataclass(frozen=True)
class Builder:
    """Fills the tables of `schema`, which are like those that are served.

    What is not loaded as it stands goes to `listing`. A `whole` catalogue's tables are made here,
    and parents are looked for in it; tables of changes are there already, their parents elsewhere.
    """

    connection: Connection
    schema: str
    listing: Listing
    progress: Progress
    whole: bool = True

    def load_file(self, source: SourceFile, tally: Tally) -> None:
        """Load a file into a table of its own, whose parents are loaded already; fill its account.

        Raises BuildError, DatabaseError, and OSError with the name of the file or folder.
        """
        started = time.monotonic()
        self._copy(source, tally)
        tally.reading = time.monotonic() - started
        with self.progress.step(f"checking {source.name}"):
            self._check_ids(source, tally)
            for column in source.table.references if self.whole else ():
                self._check_parents(source, column, tally)
        self.check_unchanged(source)
        tally.checking = time.monotonic() - started - tally.reading

    def check_unchanged(self, source: SourceFile) -> None:
        """Raise BuildError where the file is another one than when it was found.

        Rejected lines are read from it again, and one delivery is loaded, not parts of two.
        """
        try:
            unchanged = read_header(source.table, source.path) == source
        except FilesError:
            unchanged = False
        if not unchanged:
            raise BuildError(f"{source.name} was changed while it was read: load again")

    def _copy(self, source: SourceFile, tally: Tally) -> None:
        """Copy the file's rows; list and count what is not loaded as it stands."""
        with (
            source.path.open("rb") as opened,
            self.progress.file(f"reading {source.name}", source.size) as advance,
        ):
            opened.seek(source.data_offset)
            signals = HeldSignals(self.connection.abandon)
            stream = _Followed(opened, source.path, source.data_offset, advance, signals)
            watched = _Watched(Cleaner(source, stream, tally, partial(self.listing.add, source)))
            columns = [column.name for column in source.table.columns]
            places = {"schema": self.schema, "table": source.table.name}
            try:
                with self.connection.transaction():
                    if self.whole:
                        self.connection.run("create_table", **places)
                    copy = "copy_table" if self.whole else "copy_changes"
                    with signals:
                        copied = self.connection.copy(copy, watched, columns=columns, **places)
            except DatabaseError as error:
                raise watched.error or error from None
        if copied != tally.loaded:
            raise BuildError(
                f"{source.name}: PostgreSQL copied {copied} of {tally.loaded} rows; please "
                "report this as a defect"
            )

    def _check_ids(self, source: SourceFile, tally: Tally) -> None:
        """Make the ids a key; where they are none, reject the rows whose id came before."""
        places = {"schema": self.schema, "table": source.table.name}
        try:
            self.connection.run("add_primary_key", **places)
        except ViolationError:
            self.connection.run("collect_duplicates", **places)
            self.reject(source, tally, "the id came before in the file")
            self.connection.run("add_primary_key", **places)

    def _check_parents(self, source: SourceFile, column: Column, tally: Tally) -> None:
        """Make the column a foreign key; where it is none, reject the rows without a parent."""
        places = {
            "schema": self.schema,
            "table": source.table.name,
            "column": column.name,
            "parent": column.parent,
        }
        try:
            self.connection.run("add_foreign_key", **places)
        except ViolationError:
            self.connection.run("collect_orphans", **places)
            self.reject(source, tally, column.orphaned)
            self.connection.run("add_foreign_key", **places)

    def reject(self, source: SourceFile, tally: Tally, reason: str) -> None:
        """Take the collected rows out of the table; list and count their lines."""
        with self.connection.transaction():
            count = self.connection.value("count_rejected")
            progress = self.progress if count >= _MANY_REJECTS else Progress()
            with progress.file(f"listing {source.name}", count, "rows") as advance:
                self._list_rejected(source, tally, reason, advance)
            self.connection.run("delete_rejected", schema=self.schema, table=source.table.name)

    def _list_rejected(
        self, source: SourceFile, tally: Tally, reason: str, advance: Callable[[int], None]
    ) -> None:
        # Closed, since a file that was cut short meanwhile ends before the rows do.
        with closing(self.connection.stream("list_rejected")) as rows:
            lines = tally.lines_at(position for (position,) in rows)
            for line, offset, length in locate_lines(source, lines):
                self.listing.add(source, Incident(line, offset, length, reason, rejected=True))
                tally.repaired -= tally.was_repaired(line)
                tally.rejected += 1
                tally.loaded -= 1
                advance(1)


class _Followed:
    """The file that a cleaner reads, block by block: between two of them a signal may stop us.

    A block may have no row that is good, so that the cleaner reads on. `advance` is told of each
    when it is done with; `passed` is the size of what stands before them.
    """

    def __init__(
        self,
        stream: BinaryIO,
        path: Path,
        passed: int,
        advance: Callable[[int], None],
        signals: HeldSignals,
    ) -> None:
        self._stream = stream
        self._path = path
        self._passed = passed
        self._advance = advance
        self._signals = signals

    def read(self, size: int) -> bytes:
        """Return the next bytes. Raises OSError, which names the file."""
        self._signals.let_in()
        self._advance(self._passed)
        with naming(self._path):
            block = self._stream.read(size)
        self._passed = len(block)
        return block


class _Watched:
    """Passes on what a cleaner reads.

    psycopg2 turns what `read` raises into an error of its own: `error` keeps the original, that of
    a signal's handler too.
    """

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """Return the next rows."""
        try:
            return self._cleaner.read(size)
        except BaseException as error:
            self.error = error
            raise
