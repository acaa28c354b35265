"""flask etl verify: is what is served what the files say?"""

import json
from pathlib import Path

import click

from etl.commands.database import etl_database
from etl.progress import choose_progress
from etl.verify import Comparison
from etl.verify import verify as run_verify


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Show no progress; the result is still printed.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(folder: Path, quiet: bool, as_json: bool) -> None:
    """Compare the served catalogue with the files of FOLDER.

    The files go through the same cleaning as in a load, into temporary tables; then rows and their
    order are compared by count and digest, table by table. Nothing that is served is touched.

    The exit status is 0 only if all agree.
    """
    with etl_database() as url:
        comparisons = run_verify(url, folder, choose_progress(quiet))
        equal = all(comparison.equal for comparison in comparisons)
        if as_json:
            tables = [vars(comparison) for comparison in comparisons]
            click.echo(json.dumps({"equal": equal, "tables": tables}))
        else:
            _print_comparisons(comparisons)
        if not equal:
            raise click.ClickException(f"what is served is not what {folder} says")


def _print_comparisons(comparisons: list[Comparison]) -> None:
    form = "{:<10}{:>14}{:>14}   {}"
    click.echo(form.format("table", "in the files", "served", ""))
    for comparison in comparisons:
        counts = (f"{comparison.in_files:,}", f"{comparison.served:,}")
        click.echo(
            form.format(comparison.table, *counts, "equal" if comparison.equal else "DIFFER")
        )
