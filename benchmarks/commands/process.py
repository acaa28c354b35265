"""Benchmarks of the service's own process, without a server."""

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from benchmarks import quick as quickly
from benchmarks.apart import run_apart
from benchmarks.commands.options import (
    output_option,
    record_and_show,
    rounds_option,
    seconds_option,
    telling,
)
from benchmarks.connection import Connection
from benchmarks.draws import sample_ids
from benchmarks.machine import describe_machine
from benchmarks.results import read_result, record, timed
from benchmarks.speed_tables import features_table
from products_service.config import load_settings
from products_service.database_urls import database_url, running_database

QUICK_IDS = 2_000
# Share of the cores' time without which caches are so often cold that figures differ by chance.
MUCH_STOLEN = 0.02


@click.command()
@rounds_option(15, "How often each feature has its turn of 2,000 requests.")
@output_option("features.json")
@telling()
def features(rounds: int, output: Path) -> None:
    """Time what an answer gets beyond its body.

    What each costs: ETag, log line, metrics ... CPU time of a process in which the application runs
    without server and database.
    """

    def measure() -> dict[str, Any]:
        return run_apart("benchmarks.features", str(rounds))

    record_and_show("features", f"--rounds {rounds}", output, measure, features_table)


@click.command()
@seconds_option(50, "How long to measure.")
@click.option(
    "--record",
    "to_record",
    is_flag=True,
    help="Write the figures, for later runs to be compared with.",
)
@output_option("quick.json")
@telling()
def quick(seconds: int, to_record: bool, output: Path) -> None:
    """Compare a request's cost with the last recorded.

    What it costs the service's process. For a look while working: it takes a minute, and whatever
    it finds is no failure. What it finds twice is news.
    """

    def measure() -> dict[str, Any]:
        settings = load_settings()
        with running_database(settings, "admin") as url:
            with closing(Connection(url)) as connection:
                ids = sample_ids(connection, QUICK_IDS)
                ((number, digest),) = connection.run("get_load")
            measured = quickly.measure(database_url(settings, "app"), ids, seconds)
            return {"load": number, "digest": digest, **measured}

    file = output / "quick.json"
    recorded = read_result(file) if file.exists() else None
    if to_record:
        found = record("quick", f"--seconds {seconds} --record", output, measure)
        stolen = found["stolen"]
    else:
        found, _, stolen = timed(measure)
    for line in quickly.compare(found, recorded):
        click.echo(line)
    if stolen > MUCH_STOLEN:
        click.echo(
            f"(a hypervisor kept {stolen:.0%} of the cores' time: look again when it does not)"
        )
    if recorded and recorded["digest"] != found["digest"]:
        click.echo("(what was recorded is of another catalogue)")
    if recorded and recorded["machine"] != describe_machine():
        click.echo("(what was recorded is of another machine)")
