"""Benchmarks of the database: what indexes are worth, and what a load takes."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmarks.catalogue import own_schema
from benchmarks.commands.options import (
    output_option,
    record_and_show,
    rounds_option,
    telling,
)
from benchmarks.index import measure as measure_indexes
from benchmarks.load import measure as measure_loads
from benchmarks.tables import index_table, load_table
from benchmarks.workshop import own_workshop
from products_service.config import load_settings
from products_service.database_urls import running_database
from products_service.release import HOST, require_files


@click.command()
@click.option(
    "--products-ids-sample",
    "sample",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Products that each statement is run with in a round.",
)
@rounds_option(5, "How often each set of indexes has its turn.")
@output_option("index.json")
@telling()
def index(sample: int, rounds: int, output: Path) -> None:
    """Time the statements with and without indexes.

    With none, with ours, and without each one in turn. It works on a copy of the catalogue in a
    schema of its own, benchmark_index, which takes as much disk as the catalogue does and is
    dropped at the end; the catalogue that is served is only read.
    """

    def measure() -> dict[str, Any]:
        with running_database(load_settings(), "admin") as url, own_schema(url) as connection:
            return connection.interruptible(partial(measure_indexes, connection, sample, rounds))

    arguments = f"--products-ids-sample {sample} --rounds {rounds}"
    record_and_show("index", arguments, output, measure, index_table)


@click.command()
@click.option(
    "--products",
    type=click.IntRange(1, 10_000_000),
    default=1_000_011,
    show_default=True,
    help="Products of the generated catalogue.",
)
@rounds_option(5, "How often load and floor have their turn.")
@click.option(
    "--readers",
    type=click.IntRange(0, 64),
    default=0,
    show_default=True,
    help="Connections that read from the service during two loads more; 0: none do.",
)
@output_option("load.json")
@telling()
def load(products: int, rounds: int, readers: int, output: Path) -> None:
    """Time `flask etl load` against psql.

    psql copies clean files and builds the same keys and indexes. It works in build/bench-load, on
    an embedded server of its own, and removes both at the end. Run it in a checkout or release
    folder.
    """
    require_files(HOST)

    def measure() -> dict[str, Any]:
        with own_workshop(Path("build/bench-load"), products) as workshop:
            return measure_loads(workshop, products, rounds, readers)

    arguments = f"--products {products} --rounds {rounds} --readers {readers}"
    record_and_show("load", arguments, output, measure, load_table)
