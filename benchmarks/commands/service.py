"""Benchmarks of the service as clients see it, beside its peers."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks import contest
from benchmarks import rate as rates
from benchmarks.commands.options import (
    Decorator,
    output_option,
    record_and_show,
    rounds_option,
    seconds_option,
    telling,
    worker_class_option,
)
from benchmarks.contestants import COMPETITORS, find_needed
from benchmarks.draws import MIXES
from benchmarks.growth import PRODUCTS
from benchmarks.growth import measure as measure_growth
from benchmarks.include import measure as measure_include
from benchmarks.prerequisites import find_programs, require_nginx
from benchmarks.speed_tables import (
    contest_table,
    growth_table,
    include_table,
    pool_table,
    rate_table,
)
from benchmarks.subject import Subject, served_catalogue
from products_service.release import BALANCER, HOST, require_files

only = click.option(
    "--only",
    type=click.Choice(COMPETITORS),
    multiple=True,
    help="A contestant that takes part; may be given again. Without it, all do.",
)


def _contest_options(name: str) -> Decorator:
    def decorate(command: Any) -> Any:
        for option in (
            output_option(f"{name}.json"),
            # Short turns, often: a machine that becomes faster or slower meanwhile does so to all.
            seconds_option(3, "How long each turn is."),
            rounds_option(11, "How often each contestant has its turn."),
            only,
        ):
            command = option(command)
        return command

    return decorate


@click.command()
@_contest_options("styles")
@telling()
def styles(only: Sequence[str], rounds: int, seconds: int, output: Path) -> None:
    """Measure styles, beside the peers.

    This service, its peers and pgbench, in turn. 16 connections ask again and again for ids from
    all over the catalogue; no cache is between.
    """
    _contest("styles", ["styles"], only, rounds, seconds, output)


@click.command()
@_contest_options("page")
@telling()
def page(only: Sequence[str], rounds: int, seconds: int, output: Path) -> None:
    """Measure what product pages ask for, beside the peers.

    This service, its peers and pgbench, in turn. In 111 requests there are 50 products, 50 styles,
    10 related, and a page of the list.
    """
    _contest("page", ["page"], only, rounds, seconds, output)


@click.command()
@_contest_options("peers")
@telling()
def peers(only: Sequence[str], rounds: int, seconds: int, output: Path) -> None:
    """Run `bench styles` and `bench page` in one."""
    _contest("peers", list(MIXES), only, rounds, seconds, output)


@click.command()
@worker_class_option()
@rounds_option(5, "How often each way has its turn.")
@seconds_option(10, "How long each turn is.")
@output_option("include.json")
@telling()
def include(worker_class: str, rounds: int, seconds: int, output: Path) -> None:
    """Measure a product page in one request and in many.

    By include=styles,related, and by separate requests. A client with six connections, as a browser
    has, asks for page after page: what a page takes it in time, and the service and PostgreSQL in
    CPU.
    """
    require_files(HOST)

    def measure(subject: Subject) -> dict[str, Any]:
        settings = {"GUNICORN_WORKER_CLASS": worker_class}
        return measure_include(subject, rounds, seconds, settings)

    arguments = f"--worker-class {worker_class} --rounds {rounds} --seconds {seconds}"
    _measure("include", arguments, output, measure, include_table)


@click.command()
@worker_class_option()
@rounds_option(5, "How often the fleets, and 1,000 users, have their turn.")
@seconds_option(30, "How long each measurement is.")
@click.option(
    "--warm",
    type=click.IntRange(1, 600),
    default=40,
    show_default=True,
    help="Seconds for which the cache is warmed before each, at least.",
)
@output_option("rate.json")
@telling()
def rate(worker_class: str, rounds: int, seconds: int, warm: int, output: Path) -> None:
    """Find the highest rate that a fleet holds.

    nginx with four hosts, and with five; ids by Zipf's law. k6 asks 800 and 900 times a second, the
    fleets in turn; wrk finds the highest rate without an error and with 99 of 100 answers within 65
    ms. Then 1,000 users ask one host again and again, and Express.
    """
    require_files(HOST + BALANCER)
    require_nginx()
    find_programs("wrk", "k6", "node", "npm", "pgbench")

    def measure(subject: Subject) -> dict[str, Any]:
        return rates.measure(subject, seconds, warm, rounds, worker_class)

    arguments = f"--worker-class {worker_class} --rounds {rounds} --seconds {seconds} --warm {warm}"
    _measure("rate", arguments, output, measure, rate_table)


@click.command()
@worker_class_option()
@rounds_option(5, "How often each has its turn.")
@seconds_option(10, "How long each turn is.")
@output_option("pool.json")
@telling()
def pool(worker_class: str, rounds: int, seconds: int, output: Path) -> None:
    """Measure what the pool is worth.

    The route of styles with it, and with a new connection for each request. The same of pgbench,
    which shows what PostgreSQL itself takes for a connection.
    """
    require_files(HOST)
    without = (f"{worker_class}-unpooled", "pgbench-reconnecting")
    names = (worker_class, without[0], "pgbench-prepared", without[1])
    find_needed(names)

    def measure(subject: Subject) -> dict[str, Any]:
        measured = contest.measure(names, ["styles"], rounds, seconds, subject, without)
        return {"worker_class": worker_class, **measured}

    arguments = f"--worker-class {worker_class} --rounds {rounds} --seconds {seconds}"
    _measure("pool", arguments, output, measure, pool_table)


@click.command()
@worker_class_option()
@click.option(
    "--products",
    type=click.IntRange(1, 10_000_000),
    multiple=True,
    default=PRODUCTS,
    show_default=True,
    help="Size of a catalogue that is measured beside the one that is served; may be given again.",
)
@rounds_option(5, "How often each has its turn.")
@seconds_option(5, "How long each turn is.")
@output_option("growth.json")
@telling()
def growth(
    worker_class: str, products: Sequence[int], rounds: int, seconds: int, output: Path
) -> None:
    """Measure styles by products, workers and connections.

    By size of the catalogue, worker processes, and clients' connections. The other catalogues are
    generated, on embedded servers under build/ which are removed at the end. Reports memory and
    starting times too.
    """
    require_files(HOST)
    find_programs("wrk")
    settings = {"GUNICORN_WORKER_CLASS": worker_class}
    products = list(dict.fromkeys(products))

    def measure(subject: Subject) -> dict[str, Any]:
        return measure_growth(subject, rounds, seconds, settings, products)

    sizes = " ".join(f"--products {each}" for each in products)
    arguments = f"--worker-class {worker_class} {sizes} --rounds {rounds} --seconds {seconds}"
    _measure("growth", arguments, output, measure, growth_table)


def _contest(
    name: str, mixes: Sequence[str], only: Sequence[str], rounds: int, seconds: int, output: Path
) -> None:
    require_files(HOST)
    only = list(dict.fromkeys(only))
    names = only or COMPETITORS
    find_needed(names)

    def measure(subject: Subject) -> dict[str, Any]:
        return contest.measure(names, mixes, rounds, seconds, subject)

    chosen = "".join(f" --only {each}" for each in only)
    arguments = f"--rounds {rounds} --seconds {seconds}{chosen}"
    _measure(name, arguments, output, measure, contest_table)


def _measure(
    name: str,
    arguments: str,
    output: Path,
    measure: Callable[[Subject], dict[str, Any]],
    table: Callable[[dict[str, Any]], Iterator[str]],
) -> None:
    """Measure the catalogue that is served, write {name}.json, and show it as a table."""

    def measured() -> dict[str, Any]:
        with served_catalogue() as subject:
            return {"data": subject.data, **measure(subject)}

    record_and_show(name, arguments, output, measured, table)
