"""A load, step by step: read and copy, check, index, analyse, publish."""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from etl import patience
from etl.build import Builder
from etl.connection import Connection, DatabaseError, LockTimeoutError
from etl.digest import Digests, combine, compute_digests, recorded_digests
from etl.errors import LoadError
from etl.files import TABLES, SourceFile, find_files
from etl.limits import RowLimit, hold_rejects, hold_shrinking
from etl.progress import Progress
from etl.publish import Publication, name_strangers, publish, was_published
from etl.report import Report, Tally, refuse_own_report
from etl.space import check_space
from etl.standbys import await_standbys
from etl.turn import take_turn

NEXT = "catalogue_next"
PREVIOUS = "catalogue_previous"


class NotFirstError(LoadError):
    """A catalogue was loaded before."""


@dataclass
class Load:
    """What a load did: filled in as it goes, so that a failed one can be told as well."""

    folder: Path
    tallies: dict[str, Tally]  # by file name, in the order of loading
    session: tuple[int, datetime] | None = None  # the server's process, and when it began
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


def load(
    url: str,
    load_: Load,
    report_folder: Path,
    max_rejects: RowLimit,
    progress: Progress,
    *,
    max_shrink: RowLimit | None = None,
    first: bool = False,
) -> None:
    """Load the six files of a folder and publish them as the catalogue, or raise.

    `max_rejects` bounds the rejects of each file, `max_shrink` how many fewer rows each table may
    have than are served. A `first` load raises NotFirstError where there was one before.

    Raises FilesError before anything is touched when the files are not what is expected, another
    EtlError later, and OSError, which names the file or folder.
    Readers wait while it publishes, for 200 ms a try at most.
    """
    sources = find_files(load_.folder)
    refuse_own_report(sources, report_folder)
    with found_out(url, load_), closing(Connection(url)) as connection:
        load_.session = connection.run("get_session")[0]
        take_turn(connection)
        if first and connection.value("get_load_number"):
            raise NotFirstError("a catalogue was loaded before")
        if strangers := name_strangers(connection):
            raise LoadError(strangers)
        clear(connection)
        check_space(connection, sources)
        migrations = connection.value("list_migrations")
        load_.started_at = connection.value("current_time")
        served = recorded_digests(connection) if max_shrink else {}
        with dropped_unless_published(connection):
            connection.run("create_schema")
            connection.run("create_identity")
            connection.run("create_ranks")
            with closing(Report(report_folder)) as report:
                builder = Builder(connection, NEXT, report, progress)
                for source in sources:
                    tally = load_.tallies[source.name] = Tally()
                    builder.load_file(source, tally)
                    hold_rejects(source, tally, max_rejects)
                    if max_shrink:
                        hold_shrinking(source, tally, served[source.table.name][0], max_shrink)
            digests = _finish(connection, load_, progress)
            for source in sources:
                builder.check_unchanged(source)
            with load_.step("publish", "publishing", progress):
                _publish(connection, load_, sources, digests, migrations)
                show(connection, load_)


def _finish(connection: Connection, load_: Load, progress: Progress) -> Digests:
    """Make of the tables that are filled what can be served; return their digests."""
    with load_.step("index", "building indexes", progress):
        connection.run("rank_products", schema=NEXT)
        connection.run("indexes", schema=NEXT)
    with load_.step("analyse", "analysing", progress):
        for table in TABLES:
            connection.run("analyze", table=table.name)
        connection.run("analyze", table="product_ranks")
    with load_.step("digest", "computing the digest", progress):
        digests = compute_digests(connection, NEXT)
        load_.digest = combine(digests)
    return digests


@contextmanager
def dropped_unless_published(connection: Connection) -> Iterator[None]:
    """Drop what was built, which may be gigabytes, when it fails and the session is still there."""
    try:
        yield
    except BaseException:
        with suppress(DatabaseError):
            connection.run("drop_schema", schema=NEXT)
        raise


def show(connection: Connection, load_: Load) -> None:
    """Wait until whoever reads from a standby sees the load, or tell in `load_` who does not."""
    if behind := await_standbys(connection):
        said = (
            f"{', '.join(behind)} had not replayed it {patience.PATIENCE:.0f} s later, and shows "
            "the one before meanwhile: see `flask doctor`"
        )
        load_.trouble = f"{load_.trouble}; {said}" if load_.trouble else said


@contextmanager
def found_out(url: str, load_: Load) -> Iterator[None]:
    """Tell in `load_` what became of it, whatever the sessions inside, which are over by then, say.

    A load that was published does not fail because the answer got lost: that is its `trouble`.
    """
    started = time.monotonic()
    try:
        yield
    except BaseException as error:
        if load_.number is not None:
            load_.published = None  # as it is while we ask, and stays if we are stopped meanwhile
            load_.published = was_published(
                url, load_.number, load_.digest, load_.started_at, load_.session
            )
        if not (load_.published and isinstance(error, (DatabaseError, OSError))):
            raise
        load_.trouble = str(error)
        with suppress(DatabaseError), closing(Connection(url)) as connection:
            show(connection, load_)
    else:
        load_.published = True
    finally:
        load_.seconds = time.monotonic() - started


def clear(connection: Connection) -> None:
    """Drop what a load before has left, and what was served before it. Raises LoadError."""
    try:
        connection.run("drop_leftovers")
    except LockTimeoutError:
        raise LoadError(
            "another session still reads the catalogue before the one that is served (a dump, a "
            "report?): load again when it has ended"
        ) from None


def _publish(
    connection: Connection,
    load_: Load,
    sources: list[SourceFile],
    digests: Digests,
    migrations: str | None,
) -> None:
    load_.number = connection.value("next_number")
    tables = {source.table.name: load_.tallies[source.name].counts() for source in sources}
    publish(connection, describe(load_, "replace", tables, digests), migrations)


def describe(
    load_: Load, mode: str, tables: dict[str, dict[str, int]], digests: Digests
) -> Publication:
    """Return the load as it is recorded: `tables` has what became of each table's lines."""
    recorded = {
        # A sum of hashes is larger than the integers that JSON carries safely.
        table: figures
        | {"removed": load_.removed.get(table, 0)}
        | {"rows": digests[table][0], "hashes": str(digests[table][1])}
        for table, figures in tables.items()
    }
    folder = name_folder(load_.folder)
    return Publication(load_.number, mode, folder, load_.started_at, load_.digest, recorded)


def name_folder(folder: Path) -> str:
    """Return the folder's full name as a text that can be written down; it need not be UTF-8."""
    return os.fsencode(os.path.realpath(folder)).decode("utf-8", "backslashreplace")
