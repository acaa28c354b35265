"""`flask doctor`: is this host fit to serve, and if not, what to do."""

import json
import os
import sys
from pathlib import Path

import click

from etl.files import TABLES
from etl.indexes import read_indexes
from etl.publish import STATEMENT_TIMEOUT
from products_service.commands.options import directory_option
from products_service.doctor import Expected, Finding, Status, examine
from products_service.plainly import plainly

LABELS = {Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "FAIL", Status.SKIPPED: "skip"}


@click.command()
@click.option(
    "--hosts",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help="Hosts of the fleet, whose pools share the database's connections.",
)
@directory_option
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@plainly()
def doctor(hosts: int, directory: Path, as_json: bool) -> None:
    """Check that all is well.

    The configuration, the database, its catalogue and this host. Each check is a line: ok, warn,
    FAIL, or skip where it cannot be made here; what is not ok has a hint below it. Nothing is
    changed, but that an embedded server that is not there yet is made; no secret is shown.

    The exit status is 1 if any check fails.
    """
    checks = []
    for name, finding in examine(os.environ, expected(directory, hosts)):
        checks.append({"name": name, **vars(finding)})
        if not as_json:
            show(name, finding)
    failed = any(check["status"] is Status.FAIL for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": not failed, "checks": checks}))
    sys.exit(1 if failed else 0)


def expected(migrations: Path, hosts: int) -> Expected:
    """Return what should be there, as the load and the migrations have it."""
    return Expected(
        tables=tuple(table.name for table in TABLES),
        references=tuple(
            (table.name, column.name, column.parent)
            for table in TABLES
            for column in table.references
        ),
        indexes={index.name: index.table for index in read_indexes().values()},
        statement_timeout=round(STATEMENT_TIMEOUT * 1000),
        migrations=migrations,
        hosts=hosts,
    )


def show(name: str, finding: Finding) -> None:
    """Print the line of a check, and what to do below it."""
    click.echo(f"{LABELS[finding.status]:<4}  {name}: {finding.found}")
    if finding.hint:
        click.echo(f"      hint: {finding.hint}")
