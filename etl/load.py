"""A load, step by step: read and copy, check, index, analyse, publish."""

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from etl.clean import Cleaner, Incident
from etl.connection import Connection, DatabaseError, ViolationError
from etl.files import TABLES, Column, SourceFile, Table, find_files, read_header
from etl.progress import Progress
from etl.publish import Publication, publish
from etl.report import Report, Tally, locate_lines, naming
from etl.space import check_space

NEXT = "catalogue_next"


class LoadError(Exception):
    """The load was not published; the catalogue that was served before still is."""


@dataclass(frozen=True)
class RejectLimit:
    """How many rejects a file may have: a number of rows, a percentage of them, or the larger."""

    rows: int | None = 10
    percent: Decimal | None = Decimal(1)

    def allowed(self, rows_read: int) -> int:
        """Return the highest number of rejects that is still published."""
        share = int(rows_read * (self.percent or 0) / 100)
        return max(self.rows or 0, share)


@dataclass
class Load:
    """What a load did: filled in as it goes, so that a failed one can be told as well."""

    folder: Path
    tallies: dict[str, Tally]  # by file name, in the order of loading
    started_at: datetime | None = None
    number: int | None = None
    digest: str | None = None


def load(
    url: str, load_: Load, report_folder: Path, limit: RejectLimit, progress: Progress
) -> None:
    """Load the six files of a folder and publish them as the catalogue, or raise.

    Raises FilesError before anything is touched when the files are not what is expected,
    LoadError, PublishError or DatabaseError later, and OSError, which names the file or folder.
    Readers are not disturbed at any time.
    """
    sources = find_files(load_.folder)
    _refuse_own_report(load_.folder, report_folder)
    with closing(Connection(url)) as connection:
        migrations = _prepare(connection)
        check_space(connection, sources)
        load_.started_at = connection.value("current_time")
        with closing(Report(report_folder)) as report:
            for source in sources:
                tally = _load_file(connection, source, report, progress)
                load_.tallies[source.name] = tally
                _hold_to_limit(source, tally, limit)
        with progress.step("building indexes"):
            connection.run("indexes")
        with progress.step("analysing"):
            for table in TABLES:
                connection.run("analyze", table=table.name)
        with progress.step("computing the digest"):
            load_.digest = compute_digest(connection, NEXT)
        with progress.step("publishing"):
            load_.number = _publish(connection, load_, sources, migrations)


def _refuse_own_report(folder: Path, report_folder: Path) -> None:
    rejects = report_folder / "rejects"
    if rejects.exists() and folder.resolve() == rejects.resolve():
        raise LoadError(
            f"{folder} is where the rejects of this load go: move it, or name another place "
            "with --report"
        )


def _prepare(connection: Connection) -> str | None:
    """Take the lock of loads, become the owner, clear what was left; return the migrations."""
    if not connection.value("find_catalogue"):
        raise LoadError("the database is not migrated: run `flask db upgrade`")
    if not connection.value("lock_loads"):
        running = connection.run("find_running_load")
        which = f" (server process {running[0][0]}, since {running[0][1]})" if running else ""
        raise LoadError(f"another load is running{which}; nothing was done")
    if connection.value("find_owner_role"):
        connection.run("become_owner")
    connection.run("drop_leftovers")
    connection.run("create_schema")
    connection.run("create_identity")
    return connection.value("list_migrations")


def _load_file(
    connection: Connection, source: SourceFile, report: Report, progress: Progress
) -> Tally:
    started = time.monotonic()
    tally = Tally()
    before = _state(source)
    _copy(connection, source, tally, report, progress)
    with progress.step(f"checking {source.name}"):
        _check_ids(connection, source, tally, report)
        for column in source.table.references:
            _check_parents(connection, source, column, tally, report)
    # Rejected lines were read from it again, and its header was read when the load began.
    if _state(source) != before or read_header(source.table, source.path) != source:
        raise LoadError(f"{source.name} was changed while it was read: load again")
    tally.seconds = time.monotonic() - started
    return tally


def _state(source: SourceFile) -> tuple[int, ...]:
    """Return what changes when the file is written to or another takes its place."""
    state = source.path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def _copy(
    connection: Connection, source: SourceFile, tally: Tally, report: Report, progress: Progress
) -> None:
    """Copy the file's rows into a new table; list and count what is not loaded as it stands."""

    def on_incident(incident: Incident) -> None:
        report.add(source, incident)
        (tally.rejected_lines if incident.rejected else tally.repaired_lines).append(incident.line)

    progress.begin_file(f"reading {source.name}", source.size)
    with naming(source.path), source.path.open("rb") as stream:
        stream.seek(source.data_offset)
        cleaner = Cleaner(source, stream, on_incident)
        watched = _Watched(cleaner, progress.advance)
        places = {"table": source.table.name, "columns": _columns(source.table)}
        try:
            with connection.transaction():
                connection.run("create_table", table=source.table.name)
                copied = connection.copy("copy_table", watched, **places)
        except DatabaseError as error:
            raise watched.error or error from None
        finally:
            progress.end_file()
    if copied != cleaner.rows_copied:
        raise LoadError(
            f"{source.name}: PostgreSQL copied {copied} of {cleaner.rows_copied} rows; please "
            "report this as a defect"
        )
    tally.read, tally.loaded = cleaner.rows_read, cleaner.rows_copied
    tally.repaired, tally.rejected = cleaner.rows_repaired, cleaner.rows_rejected


class _Watched:
    """Passes on what a cleaner reads and tells how far into the file that is.

    psycopg2 turns what `read` raises into an error of its own: `error` keeps the original.
    """

    def __init__(self, cleaner: Cleaner, advance: Callable[[int], None]):
        self._cleaner = cleaner
        self._advance = advance
        self._told = 0
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """Return the next rows."""
        try:
            piece = self._cleaner.read(size)
        except Exception as error:
            self.error = error
            raise
        if self._cleaner.bytes_read > self._told:
            self._advance(self._cleaner.bytes_read - self._told)
            self._told = self._cleaner.bytes_read
        return piece


def _check_ids(connection: Connection, source: SourceFile, tally: Tally, report: Report) -> None:
    """Make the ids a key; where they are none, reject the rows whose id came before."""
    table = source.table.name
    try:
        connection.run("add_primary_key", table=table)
    except ViolationError:
        connection.run("collect_duplicates", table=table)
        _reject(connection, source, tally, report, "the id came before in the file")
        connection.run("add_primary_key", table=table)


def _check_parents(
    connection: Connection, source: SourceFile, column: Column, tally: Tally, report: Report
) -> None:
    """Make the column a foreign key; where it is none, reject the rows without a parent."""
    places = {"table": source.table.name, "column": column.name, "parent": column.parent}
    try:
        connection.run("add_foreign_key", **places)
    except ViolationError:
        connection.run("collect_orphans", **places)
        _reject(connection, source, tally, report, f"unknown {column.parent.removesuffix('s')}")
        connection.run("add_foreign_key", **places)


def _reject(
    connection: Connection, source: SourceFile, tally: Tally, report: Report, reason: str
) -> None:
    """Take the collected rows out of the table; list and count their lines."""
    with connection.transaction():
        positions = (position for (position,) in connection.stream("list_rejected"))
        for line, offset, length in locate_lines(source, tally.lines_at(positions)):
            report.add(source, Incident(line, offset, length, reason, rejected=True))
            tally.repaired -= tally.was_repaired(line)
            tally.rejected += 1
            tally.loaded -= 1
        connection.run("delete_rejected", table=source.table.name)


def _hold_to_limit(source: SourceFile, tally: Tally, limit: RejectLimit) -> None:
    allowed = limit.allowed(tally.read)
    if tally.rejected > allowed:
        raise LoadError(
            f"{source.name}: {tally.rejected} of {tally.read} rows rejected, more than the "
            f"{allowed} allowed (--max-rejects); nothing was published"
        )


# By name and in order, so that a search for a file of etl/sql finds what runs it.
_DIGESTS = (
    "digest_products",
    "digest_features",
    "digest_styles",
    "digest_photos",
    "digest_skus",
    "digest_related",
)


def compute_digest(connection: Connection, schema: str) -> str:
    """Return the digest of a catalogue: the same for the same rows in the same relative order."""
    lines = []
    for statement in _DIGESTS:
        rows, hashes = connection.run(statement, schema=schema)[0]
        lines.append(f"{statement} {rows} {hashes}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _publish(
    connection: Connection, load_: Load, sources: list[SourceFile], migrations: str | None
) -> int:
    number = connection.value("next_number")
    connection.run("copy_grants")
    tables = {source.table.name: load_.tallies[source.name].counts() for source in sources}
    # The name of a folder need not be UTF-8.
    folder = os.fsencode(load_.folder.resolve()).decode("utf-8", "backslashreplace")
    publication = Publication(number, folder, load_.started_at, load_.digest, tables)
    publish(connection, publication, migrations)
    return number
