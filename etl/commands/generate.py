"""flask etl generate: a synthetic catalogue to try with."""

from pathlib import Path

import click

from etl.files import TABLES
from etl.generate import generate as write_catalogue
from etl.progress import choose_progress
from products_service.plainly import plainly
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
@plainly()
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
    with leaving_when_told():
        rows = write_catalogue(folder, products, seed, dirty, choose_progress(quiet))
    if force:
        # beside products.csv it could not be loaded
        (folder / "product.csv").unlink(missing_ok=True)
    for name, count in rows.items():
        click.echo(f"{name:<10}{count:>12,}")
