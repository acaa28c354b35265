"""flask bench: measures the service and what it stands on."""

import json
import os
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from benchmarks.catalogue import BenchmarkError, own_schema
from benchmarks.connection import DatabaseError
from benchmarks.index import measure
from benchmarks.machine import describe_machine, find_commit
from benchmarks.tables import index_table
from products_service.commands.problems import plainly
from products_service.config import load_settings
from products_service.urls import database, leaving_on_sigterm


@click.group()
def bench() -> None:
    """Measure the service and what it stands on."""


@bench.command()
@click.option(
    "--products-ids-sample",
    "sample",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Products that each statement is run with in a round.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="How often each set of indexes has its turn.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("benchmarks/results"),
    show_default=True,
    help="Folder for index.json and index.png, which are written anew.",
)
@plainly()
def index(sample: int, rounds: int, output: Path) -> None:
    """Time the statements with no indexes, with ours, and without each one in turn.

    It works on a copy of the catalogue in a schema of its own, benchmark_index, which takes as
    much disk as the catalogue does and is dropped at the end; the catalogue that is served is
    only read. Figures mean something only on a machine that does nothing else.
    """
    try:
        from benchmarks.charts import draw_index
    except ImportError:
        raise click.ClickException(
            "the chart needs matplotlib: pip install 'products-service[bench]'"
        ) from None
    started = datetime.now(UTC)
    clock = time.monotonic()
    try:
        output.mkdir(parents=True, exist_ok=True)
        with (
            leaving_on_sigterm(),
            database(load_settings(), "admin") as url,
            own_schema(url) as connection,
        ):
            measured = connection.interruptible(partial(measure, connection, sample, rounds))
        result = {
            "benchmark": "index",
            "command": f"flask bench index --products-ids-sample {sample} --rounds {rounds}",
            "started_at": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 1),
            "commit": find_commit(),
            "machine": describe_machine(),
            **measured,
        }
        (output / "index.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        draw_index(result, output / "index.png")
    except (BenchmarkError, DatabaseError, OSError) as error:
        raise click.ClickException(str(error)) from None
    for line in index_table(result):
        click.echo(line)
    click.echo(f"\nWritten: {output / 'index.json'} and {output / 'index.png'}")


@bench.command()
@click.option(
    "--rounds",
    type=click.IntRange(1, 1_000),
    default=15,
    show_default=True,
    help="How often each feature has its turn of 2,000 requests.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("benchmarks/results"),
    show_default=True,
    help="Folder for features.json, which is written anew.",
)
@plainly()
def features(rounds: int, output: Path) -> None:
    """Time what each thing that answers get beyond their body costs: ETag, log line, metrics ...

    CPU time of this process, in which the application runs without server and database.
    """
    with tempfile.TemporaryDirectory() as folder:
        # before prometheus_client is imported, as under gunicorn
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        from benchmarks.features import measure as measure_features

        measured = measure_features(rounds)
    result = {
        "benchmark": "features",
        "command": f"flask bench features --rounds {rounds}",
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": find_commit(),
        "machine": describe_machine(),
        **measured,
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / "features.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for name, figures in measured["features"].items():
        click.echo(
            f"{name:<38}{figures['microseconds']:>8.1f} us{figures['added_microseconds']:>+9.1f}"
        )
