"""flask etl history: which loads were published."""

import json
from contextlib import closing

import click

from etl.commands.database import etl_database
from etl.connection import Connection


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="Number of loads.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a load.")
def history(limit: int, as_json: bool) -> None:
    """List the published loads, newest first."""
    with etl_database() as url, closing(Connection(url)) as connection:
        connection.require_catalogue()
        rows = connection.run("list_loads", {"limit": limit})
        names = ("number", "mode", "published_at", "seconds", "source", "digest", "tables")
        if as_json:
            for row in rows:
                click.echo(json.dumps(dict(zip(names, row, strict=True))))
            return
        if not rows:
            click.echo("No load was published yet.")
        for number, mode, published_at, seconds, source, digest, tables in rows:
            loaded = sum(table["loaded"] for table in tables.values())
            rejected = sum(table["rejected"] for table in tables.values())
            removed = sum(table["removed"] for table in tables.values())
            counts = f"{loaded:,} row{'' if loaded == 1 else 's'}, {rejected:,} rejected"
            if removed:
                counts += f", {removed:,} removed"
            click.echo(
                f"load {number}  {mode}  {published_at}  {seconds:.1f} s  {counts}  {digest}  "
                f"{source}"
            )
