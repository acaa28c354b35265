"""flask etl: load, verify, generate, history."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from etl.connection import Connection
from etl.errors import EtlError
from etl.files import TABLES
from etl.generate import generate as write_catalogue
from etl.load import Load, RejectLimit
from etl.load import load as run_load
from etl.progress import Progress, choose_progress
from etl.upsert import upsert as run_upsert
from etl.verify import Comparison
from etl.verify import verify as run_verify
from products_service.config import ConfigurationError, load_settings
from products_service.embedded import EmbeddedError
from products_service.urls import database

FOLDER = click.Path(path_type=Path)


@click.group()
def etl() -> None:
    """Load the catalogue's CSV files into PostgreSQL."""


class RejectLimitType(click.ParamType):
    """N rows, or N% of a file's rows."""

    name = "N|N%"

    def convert(self, value: Any, param: Any, ctx: Any) -> RejectLimit:
        """Return the limit; fail with what is allowed."""
        if isinstance(value, RejectLimit):
            return value
        if re.fullmatch(r"[0-9]{1,9}", value):
            return RejectLimit(rows=int(value), percent=None)
        percent = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%", value)
        if percent and Decimal(percent[1]) <= 100:
            return RejectLimit(rows=None, percent=Decimal(percent[1]))
        self.fail(f"{value!r} is neither a number of rows (20) nor a percentage (0.5%)", param, ctx)


@contextmanager
def _connected() -> Iterator[str]:
    """Yield the URL to load into; the embedded server runs meanwhile where none is configured."""
    try:
        with database(load_settings(), "etl") as url:
            yield url
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    except (EmbeddedError, EtlError, OSError) as error:
        raise click.ClickException(str(error)) from None


@etl.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--mode",
    type=click.Choice(["replace", "upsert"]),
    default="replace",
    show_default=True,
    help="Replace the whole catalogue, or merge changed rows into it.",
)
@click.option(
    "--max-rejects",
    type=RejectLimitType(),
    default=RejectLimit(),
    show_default="the larger of 10 and 1%",
    help="Publish only if no file has more rejected rows than this: a number, or N% of its rows.",
)
@click.option(
    "--report",
    type=FOLDER,
    default=Path("."),
    show_default="here",
    help="Folder in which rejects.csv and rejects/ are written anew.",
)
@click.option("--quiet", is_flag=True, help="Show no progress; the summary is still printed.")
def load(folder: Path, mode: str, max_rejects: RejectLimit, report: Path, quiet: bool) -> None:
    """Load the six CSV files of FOLDER and publish them as the catalogue.

    The new catalogue is built beside the one that is served and takes its place in one
    transaction: readers see the old one or the new one. Lines that cannot be loaded are
    rejected, listed in rejects.csv with the reason, and kept in rejects/ to be mended.

    With --mode upsert FOLDER has only changed rows, in one or more of the files: known ids get new
    values, new ones are added, and a last column `deleted` marks rows to remove.

    The exit status is 0 only if the catalogue was published.
    """
    result = Load(folder, {})
    try:
        with _connected() as url:
            run = run_load if mode == "replace" else run_upsert
            run(url, result, report, max_rejects, choose_progress(quiet))
    except click.ClickException as error:
        error.message += "\nThe catalogue is as it was."
        raise
    finally:
        _print_summary(result, report)
    click.echo(f"Published as load {result.number}, digest {result.digest}.")


def _print_summary(result: Load, report: Path) -> None:
    """Print the account of every file that was read, and where its lines are listed."""
    if not result.tallies:
        return
    form = "{:<14}{:>12}{:>12}{:>10}{:>10}{:>9}{:>12}"
    click.echo(form.format("file", "read", "loaded", "repaired", "rejected", "seconds", "rows/s"))
    totals = [0, 0, 0, 0]
    seconds = 0.0
    for name, tally in result.tallies.items():
        counts = list(tally.counts().values())
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        seconds += tally.seconds
        click.echo(form.format(name, *_figures(counts, tally.seconds)))
    click.echo(form.format("total", *_figures(totals, seconds)))
    if any(result.removed.values()):
        removed = ", ".join(f"{table} {rows:,}" for table, rows in result.removed.items() if rows)
        click.echo(f"Removed rows: {removed}")
    if any(tally.rejected or tally.repaired for tally in result.tallies.values()):
        listed = click.format_filename(report / "rejects.csv")
        click.echo(f"Repaired and rejected lines: {listed}")


def _figures(counts: list[int], seconds: float) -> list[str]:
    rate = f"{counts[0] / seconds:,.0f}" if seconds else "-"
    return [*(f"{count:,}" for count in counts), f"{seconds:.2f}", rate]


@etl.command()
@click.argument("folder", type=FOLDER)
@click.option("--quiet", is_flag=True, help="Show no progress; the result is still printed.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(folder: Path, quiet: bool, as_json: bool) -> None:
    """Compare the catalogue that is served with the six CSV files of FOLDER.

    The files go through the same cleaning as in a load, into temporary tables; then rows and their
    order are compared by count and digest, table by table. Nothing that is served is touched.

    The exit status is 0 only if all agree.
    """
    with _connected() as url:
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


@etl.command()
@click.argument("folder", type=FOLDER)
@click.option("--products", type=click.IntRange(1, 10_000_000), required=True, help="How many.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same bytes.")
@click.option("--dirty", is_flag=True, help="Add the dirt that the published files have.")
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def generate(folder: Path, products: int, seed: int, dirty: bool, force: bool, quiet: bool) -> None:
    """Write a synthetic catalogue's six CSV files into FOLDER.

    The numbers of features, styles, photos, skus and related products are in proportion to
    those of the full catalogue, which has 1,000,011 products.
    """
    present = [folder / name for table in TABLES for name in table.file_names]
    present = [file for file in present if file.exists()]
    if present and not force:
        names = ", ".join(file.name for file in present)
        raise click.ClickException(
            f"{folder} has {names} already: name another folder, or add --force"
        )
    try:
        rows = write_catalogue(folder, products, seed, dirty, _follow(choose_progress(quiet)))
        for file in present:
            # product.csv and products.csv together could not be loaded.
            if file.name == "product.csv":
                file.unlink()
    except OSError as error:
        raise click.ClickException(str(error)) from None
    for name, count in rows.items():
        click.echo(f"{name:<10}{count:>12,}")


def _follow(progress: Progress) -> Callable[[str, int, int], None]:
    """Return what the generator tells its progress to: rows done and rows in all, by table."""
    shown = {}

    def tell(table: str, done: int, total: int) -> None:
        if table not in shown:
            shown[table] = 0
            progress.begin_file(f"writing {table}", total, "rows")
        progress.advance(done - shown[table])
        shown[table] = done
        if done == total:
            progress.end_file()

    return tell


@etl.command()
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a load.")
def history(limit: int, as_json: bool) -> None:
    """List the published loads, newest first."""
    with _connected() as url, closing(Connection(url)) as connection:
        if not connection.value("find_catalogue"):
            raise click.ClickException("the database is not migrated: run `flask db upgrade`")
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
        click.echo(
            f"load {number}  {mode}  {published_at}  {seconds:.1f} s  {loaded:,} rows, "
            f"{rejected:,} rejected  {digest}  {source}"
        )


def ensure_sample(url: str, products: int) -> bool:
    """Load a generated catalogue where none was ever loaded; return whether it did.

    For a first start: the catalogue goes the same way as any other.
    """
    with closing(Connection(url)) as connection:
        if connection.value("get_load_number"):
            return False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "generated")
        write_catalogue(folder, products)
        run_load(url, Load(folder, {}), Path(name), RejectLimit(), Progress())
    return True
