"""What the commands have in common: options, how errors are told, what becomes of results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmarks import results
from benchmarks.connection import DatabaseError
from benchmarks.errors import BenchmarkError
from products_service.config import SettingsSchema, load_settings
from products_service.plainly import plainly
from products_service.signals import leaving_when_told

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def rounds_option(default: int, meaning: str) -> Decorator:
    """Return the option --rounds."""
    return click.option(
        "--rounds", type=click.IntRange(1, 1_000), default=default, show_default=True, help=meaning
    )


def seconds_option(default: float, meaning: str) -> Decorator:
    """Return the option --seconds."""
    return click.option(
        "--seconds", type=click.IntRange(1, 3_600), default=default, show_default=True, help=meaning
    )


def output_option(file: str) -> Decorator:
    """Return the option --output for a command that writes this file."""
    return click.option(
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        default=results.FOLDER,
        show_default=True,
        help=f"Folder for {file}, which is written anew.",
    )


def worker_class_option() -> Decorator:
    """Return the option --worker-class."""
    (allowed,) = SettingsSchema().fields["GUNICORN_WORKER_CLASS"].validators
    return click.option(
        "--worker-class",
        type=click.Choice(list(allowed.choices)),
        default=load_settings({})["GUNICORN_WORKER_CLASS"],
        show_default=True,
        help="GUNICORN_WORKER_CLASS of this service.",
    )


@contextmanager
def telling() -> Iterator[None]:
    """Turn exceptions into a sentence and an exit status; stop what was started on a signal."""
    try:
        with plainly(), leaving_when_told():
            yield
    except (BenchmarkError, DatabaseError) as error:
        raise click.ClickException(str(error)) from None


def record_and_show(
    name: str,
    arguments: str,
    output: Path,
    measure: Callable[[], dict[str, Any]],
    table: Callable[[dict[str, Any]], Iterator[str]],
) -> None:
    """Measure, write {name}.json into `output`, and show it as a table."""
    for line in table(results.record(name, arguments, output, measure)):
        click.echo(line)
    click.echo(f"\nWritten: {output / f'{name}.json'}")
