"""Checks of what migrations and loads have made: tables, rows, keys, indexes, statistics."""

import re

from products_service.doctor.connection import NotAllowedError, Session
from products_service.doctor.findings import FailError, Finding, SkipError, fail, listed, ok, warn
from products_service.doctor.installation import Installation

# How dbmate takes the version from a file's name.
MIGRATION = re.compile(r"(\d+).*\.sql")
# Twice the rows, and many times the minutes, that autovacuum waits for: then it does not come.
STALE_SHARE = 0.2
STALE_ROWS = 100
STALE_MINUTES = 10


def check_migrations(installation: Installation) -> Finding:
    """Whether the database has every migration of this release."""
    # before all else: whoever asks for it later does not tell why it is not to be had
    session = installation.session("admin")
    folder = installation.expected.migrations
    if not folder.is_dir():
        return fail(
            f"there is no folder {folder}",
            "run this in a checkout or release folder, or name the folder with --directory",
        )
    files = {
        match[1]: path.name
        for path in sorted(folder.iterdir())
        if (match := MIGRATION.fullmatch(path.name))
    }
    applied = applied_migrations(session)
    pending = [name for version, name in files.items() if version not in applied]
    if pending:
        return fail(f"pending: {listed(pending)}", "flask db upgrade")
    ahead = sorted(applied - files.keys())
    if ahead:
        return warn(
            f"the database is ahead of this release by {listed(ahead)}",
            "no harm while a newer release is rolled out or back; otherwise deploy that one here",
        )
    return ok(f"{len(applied)} applied, none pending")


def applied_migrations(session: Session) -> set[str]:
    """Return the versions that are in force. Raises SkipError where the role may not see them."""
    (any_applied,) = session.row("find_migrations_table")
    if not any_applied:
        return set()
    try:
        return {version for (version,) in session.run("list_migrations")}
    except NotAllowedError:
        raise SkipError(
            "shown where ETL_DATABASE_URL or MIGRATIONS_DATABASE_URL is set; this role may not "
            "read them"
        ) from None


def check_indexes(installation: Installation) -> Finding:
    """Whether every index that a load builds is there and fit for use."""
    session = installation.loaded()
    there = {name: (table, valid) for name, table, valid in session.run("list_indexes")}
    missing = [
        f"{name} on {table}"
        for name, table in installation.expected.indexes.items()
        if there.get(name, (None, False))[0] != table
    ]
    invalid = [name for name, (_, valid) in there.items() if not valid]
    if missing:
        return fail(f"missing: {listed(missing)}", "flask etl index build")
    ours = [name for name in invalid if name in installation.expected.indexes]
    if ours:
        return fail(
            f"not valid: {listed(ours)}",
            f"flask etl index drop {ours[0]}, and so for each; then flask etl index build",
        )
    if invalid:
        return warn(
            f"not valid, and none of ours: {listed(invalid)}",
            f"as the owner: DROP INDEX catalogue.{invalid[0]}; the next load leaves it out",
        )
    return ok(f"{len(installation.expected.indexes)} besides the keys' own, all valid")


def check_keys(installation: Installation) -> Finding:
    """Whether every primary and foreign key is declared, and every constraint holds."""
    session = installation.migrated()
    constraints = session.run("list_keys")
    primary = {table for table, kind, *_ in constraints if kind == "p"}
    foreign = {
        (table, column, parent) for table, kind, _, column, parent, _ in constraints if kind == "f"
    }
    expected = installation.expected
    missing = [f"the primary key of {table}" for table in expected.tables if table not in primary]
    missing += [
        f"{table}.{column} to {parent}"
        for table, column, parent in expected.references
        if (table, column, parent) not in foreign
    ]
    if missing:
        return fail(f"missing: {listed(missing)}", "load the catalogue again: flask etl load")
    unchecked = [(table, name) for table, _, name, *_, valid in constraints if not valid]
    if unchecked:
        table, name = unchecked[0]
        return fail(
            f"not validated: {listed([name for _, name in unchecked])}",
            f"as the owner: ALTER TABLE catalogue.{table} VALIDATE CONSTRAINT {name}",
        )
    return ok(f"{len(primary)} primary and {len(foreign)} foreign keys, all valid")


def check_load(installation: Installation) -> Finding:
    """Whether a catalogue was loaded: which, when, how large."""
    (migrated,) = installation.reached().row("find_catalogue")
    if not migrated:
        return fail(
            "the database that the service reads is not migrated",
            "flask db upgrade; if nothing is pending, DATABASE_URL and MIGRATIONS_DATABASE_URL "
            "name different databases",
        )
    number = installation.load_number()
    if number == 0:
        return fail("no load was published", "flask etl load FOLDER")
    try:
        recorded = installation.session("admin").run("get_record")
    except (NotAllowedError, FailError, SkipError):
        recorded = []
    if not recorded:
        tables = list(installation.expected.tables)
        (rows,) = installation.reached().row("estimate_rows", {"tables": tables})
        return ok(f"load {number}, about {rows:,} rows")
    ((published_at, rows),) = recorded
    return ok(f"load {number}, published {published_at}, {rows:,} rows")


def check_statistics(installation: Installation) -> Finding:
    """Whether the planner knows how large the tables are."""
    session = installation.loaded()
    tables = session.run("list_statistics")
    stale = [
        table
        for table, rows, changed, minutes in tables
        if rows < 0 or (changed > max(STALE_ROWS, rows * STALE_SHARE) and minutes > STALE_MINUTES)
    ]
    if stale:
        return warn(
            f"stale: {listed(stale)}",
            f"flask db shell -c 'VACUUM (ANALYZE) catalogue.{stale[0]}', and so for each",
        )
    return ok(f"fresh for all {len(tables)} tables")
