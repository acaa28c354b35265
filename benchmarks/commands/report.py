"""flask bench report: what was measured, to read and to show."""

from pathlib import Path

import click

from benchmarks.commands.options import telling
from benchmarks.errors import BenchmarkError
from benchmarks.results import FOLDER, read_results
from products_service.extras import how_to_install


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=FOLDER,
    show_default=True,
    help="Folder of the results, into which report.html, report.md and pictures are written anew.",
)
@telling()
def report(output: Path) -> None:
    """Write a page of the results, the same as Markdown, and its charts as PNG.

    With tables and charts of all results that are there.
    """
    try:
        from benchmarks.report import write_report
    except ImportError:
        raise click.ClickException(
            f"the charts need matplotlib: {how_to_install('bench')}"
        ) from None
    results = read_results(output)
    if not results:
        raise BenchmarkError(f"there are no results in {output}: `make bench` makes them")
    for name in write_report(results, output):
        click.echo(f"not measured: flask bench {name}")
    click.echo(f"Written: {output / 'report.html'} and report.md")
