"""flask etl generate: a synthetic catalogue to try with."""

from contextlib import closing
from pathlib import Path

import click

from etl.files import TABLES
from etl.generate import generate as write_catalogue
from etl.progress import Progress, choose_progress
from products_service.signals import leaving_when_told


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--products", type=click.IntRange(1, 10_000_000), required=True, help="Number of products."
)
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
    progress = choose_progress(quiet)
    try:
        with leaving_when_told(), closing(_Followed(progress)) as followed:
            rows = write_catalogue(folder, products, seed, dirty, followed.tell)
        for file in present:
            # product.csv and products.csv together could not be loaded.
            if file.name == "product.csv":
                file.unlink()
    except OSError as error:
        raise click.ClickException(str(error)) from None
    for name, count in rows.items():
        click.echo(f"{name:<10}{count:>12,}")


class _Followed:
    """Shows what the generator tells of its progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._table: str | None = None  # the one that is being written
        self._shown = 0

    def tell(self, table: str, done: int, total: int) -> None:
        """Show how many rows of a table are done, of so many in all."""
        if table != self._table:
            self._progress.begin_file(f"writing {table}", total, "rows")
            self._table, self._shown = table, 0
        self._progress.advance(done - self._shown)
        self._shown = done
        if done == total:
            self.close()

    def close(self) -> None:
        """Leave the terminal as it should be, also in the middle of a table."""
        if self._table is not None:
            self._progress.end_file()
            self._table = None
