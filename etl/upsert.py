"""Changed rows merged into the catalogue that is served, in one transaction."""

from contextlib import closing, suppress
from pathlib import Path

from etl.build import Builder
from etl.connection import Connection, LockTimeoutError
from etl.digest import Digests, TableDigest, combine, compute_digests, recorded_digests
from etl.errors import LoadError
from etl.files import TABLES, SourceFile, Table, find_changes
from etl.limits import RowLimit, check_rejects
from etl.load_lock import take_load_lock
from etl.outcome import Outcome, Session, describe, found_out, show
from etl.progress import Progress
from etl.publish import record
from etl.report import Report, refuse_own_report
from etl.schemas import NEXT, PREVIOUS, SCRATCH, SERVED
from etl.space import check_space
from etl.tally import Tally

# The files of etl/sql that find out which parents are removed, once their table is merged.
_GOING = {"products": "collect_going_products", "styles": "collect_going_styles"}


def upsert(
    url: str, outcome: Outcome, report_folder: Path, max_rejects: RowLimit, progress: Progress
) -> None:
    """Merge the changed rows of a folder into the catalogue, or raise and change nothing.

    The cost grows with the change, not with the catalogue, but for the ranks that are shifted by
    products which come or go. Raises as load.load does.
    """
    sources = find_changes(outcome.folder)
    refuse_own_report(sources, report_folder)
    with found_out(url, outcome), closing(Connection(url)) as connection:
        outcome.session = Session.of(connection)
        take_load_lock(connection)
        if not connection.value("get_load_number"):
            raise LoadError(
                "no catalogue was ever loaded into this database: load a whole one first, without "
                "--mode upsert"
            )
        for leftover in (NEXT, PREVIOUS):
            with suppress(LockTimeoutError):  # where a dump reads it; it is in nobody's way here
                connection.run("drop_schema", schema=leftover)
        check_space(connection, sources)
        outcome.started_at = connection.value("current_time")
        for table in TABLES:
            connection.run("create_changes", table=table.name)
        with closing(Report(report_folder)) as report:
            builder = Builder(connection, SCRATCH, report, progress, whole=False)
            for source in sources:
                tally = outcome.tallies[source.name] = Tally()
                builder.load_file(source, tally)
            with outcome.step("merge", "merging", progress), connection.transaction():
                _merge(builder, sources, outcome, max_rejects)
                # what cannot be listed is not published
                report.close()
        show(connection, outcome)


def _merge(
    builder: Builder, sources: list[SourceFile], outcome: Outcome, max_rejects: RowLimit
) -> None:
    connection = builder.connection
    connection.run("lock_identity")
    connection.run("collect_touched")
    whole, before = recorded_digests(connection), _touched_digests(connection)
    connection.run("collect_shifts")
    changed = {source.table.name: source for source in sources}
    for table in TABLES:  # parents first
        if source := changed.get(table.name):
            tally = outcome.tallies[source.name]
            _reject_orphans(builder, source, tally)
            check_rejects(source, tally, max_rejects)
            _upsert_rows(connection, table)
        if table.name in _GOING:
            connection.run(_GOING[table.name])
    for table in reversed(TABLES):  # what refers to others first
        outcome.removed[table.name] = _remove(connection, table)
    connection.run("shift_ranks")
    connection.run("rank_products", schema=SERVED)
    after = _touched_digests(connection)
    digests = {table: _changed(whole[table], before[table], after[table]) for table in whole}
    outcome.digest = combine(digests)
    outcome.number = connection.value("next_number")
    publication = describe(outcome, "upsert", sources, digests)
    connection.run("update_identity", vars(publication))
    record(connection, publication)


def _reject_orphans(builder: Builder, source: SourceFile, tally: Tally) -> None:
    for column in source.table.references:
        builder.connection.run(
            "collect_orphaned_changes",
            table=source.table.name,
            column=column.name,
            parent=column.parent,
            going=f"going_{column.parent}",
        )
        builder.reject(source, tally, column.orphaned)
    builder.check_unchanged(source)


def _upsert_rows(connection: Connection, table: Table) -> None:
    key, *others = (column.name for column in table.columns)
    connection.run(
        "upsert_rows",
        table=table.name,
        columns=[key, *others],
        changed=others,
        values=[("excluded", name) for name in others],
        owner=table.owner,
    )


def _remove(connection: Connection, table: Table) -> int:
    """Remove a table's rows that go; return how many those were."""
    if not table.references:
        return connection.value("remove_products")
    return sum(
        connection.value(
            "remove_rows", table=table.name, column=column.name, going=f"going_{column.parent}"
        )
        for column in table.references
    )


def _touched_digests(connection: Connection) -> Digests:
    """Return what the rows are that the merge may change, as they are now."""
    return compute_digests(connection, SCRATCH, "touched_")


def _changed(whole: TableDigest, before: TableDigest, after: TableDigest) -> TableDigest:
    """Return a table's digest after that of its touched rows went from `before` to `after`."""
    return TableDigest(
        whole.rows - before.rows + after.rows, whole.hashes - before.hashes + after.hashes
    )
