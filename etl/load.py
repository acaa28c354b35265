"""A load, step by step: read and copy, check, index, analyse, publish."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from etl.build import Builder
from etl.connection import Connection, DatabaseError, LockTimeoutError
from etl.digest import Digests, combine, compute_digests, recorded_digests
from etl.errors import LoadError
from etl.files import TABLES, SourceFile, find_files
from etl.limits import RowLimit, check_rejects, check_shrinking
from etl.load_lock import take_load_lock
from etl.outcome import Outcome, Session, describe, found_out, show
from etl.progress import Progress
from etl.publish import name_strangers, publish
from etl.report import Report, refuse_own_report
from etl.schemas import NEXT
from etl.space import check_space
from etl.tally import Tally


class NotFirstError(LoadError):
    """A catalogue was loaded before."""


def load(
    url: str,
    outcome: Outcome,
    report_folder: Path,
    max_rejects: RowLimit,
    progress: Progress,
    *,
    max_shrink: RowLimit | None = None,
    first: bool = False,
) -> None:
    """Load the six files of a folder and publish them as the catalogue, or raise.

    `outcome` names the folder and is filled in meanwhile. `max_rejects` bounds the rejects of each
    file, `max_shrink` how many fewer rows each table may have than are served. A `first` load
    raises NotFirstError where there was one before.

    Raises FilesError before anything is touched when the files are not what is expected, another
    EtlError later, and OSError, which names the file or folder.
    Readers wait while it publishes, for 200 ms a try at most.
    """
    sources = find_files(outcome.folder)
    refuse_own_report(sources, report_folder)
    with found_out(url, outcome), closing(Connection(url)) as connection:
        outcome.session = Session.of(connection)
        take_load_lock(connection)
        if first and connection.value("get_load_number"):
            raise NotFirstError("a catalogue was loaded before")
        if strangers := name_strangers(connection):
            raise LoadError(strangers)
        clear(connection)
        check_space(connection, sources)
        migrations = connection.value("list_migrations")
        outcome.started_at = connection.value("current_time")
        served = recorded_digests(connection) if max_shrink else {}
        with dropped_unless_published(connection):
            connection.run("create_schema")
            connection.run("create_identity")
            connection.run("create_ranks")
            with closing(Report(report_folder)) as report:
                builder = Builder(connection, NEXT, report, progress)
                for source in sources:
                    tally = outcome.tallies[source.name] = Tally()
                    builder.load_file(source, tally)
                    check_rejects(source, tally, max_rejects)
                    if max_shrink:
                        check_shrinking(source, tally, served[source.table.name].rows, max_shrink)
            digests = _finish(connection, outcome, progress)
            for source in sources:
                builder.check_unchanged(source)
            with outcome.step("publish", "publishing", progress):
                _publish(connection, outcome, sources, digests, migrations)
                show(connection, outcome)


def _finish(connection: Connection, outcome: Outcome, progress: Progress) -> Digests:
    """Make of the tables that are filled what can be served; return their digests."""
    with outcome.step("index", "building indexes", progress):
        connection.run("rank_products", schema=NEXT)
        connection.run("indexes", schema=NEXT)
    with outcome.step("analyse", "analysing", progress):
        for table in TABLES:
            connection.run("analyze", table=table.name)
        connection.run("analyze", table="product_ranks")
    with outcome.step("digest", "computing the digest", progress):
        digests = compute_digests(connection, NEXT)
        outcome.digest = combine(digests)
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
    outcome: Outcome,
    sources: list[SourceFile],
    digests: Digests,
    migrations: str | None,
) -> None:
    outcome.number = connection.value("next_number")
    publish(connection, describe(outcome, "replace", sources, digests), migrations)
