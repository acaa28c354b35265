"""`flask serve`: everything that answering takes, from a fresh checkout on, until Ctrl-C."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from etl.errors import EtlError
from etl.sample import ensure_sample
from products_service.commands.migrate import migrate
from products_service.config import host_and_port, load_settings
from products_service.database_urls import database_url, refuse_two_databases, running_database
from products_service.leash import leashed
from products_service.plainly import plainly
from products_service.signals import STOP_SECONDS, end, stopping_on_signals

NEEDED = ("wsgi.py", "gunicorn.conf.py", "migrations")
MIGRATIONS = Path("migrations")
SAMPLE_PRODUCTS = 1_000


@click.command()
@plainly()
def serve() -> None:
    """Serve on PORT with a database and a catalogue.

    The database is started if it is ours, migrated, and filled with a generated catalogue if none
    was ever loaded. Ctrl-C or SIGTERM stops what was started.
    """
    settings = load_settings()
    refuse_two_databases(settings)
    refuse_elsewhere(NEEDED)
    refuse_taken_port(settings["BIND_ADDRESS"], settings["PORT"])
    with stopping_on_signals(), filled_database(settings) as url:
        run_gunicorn(settings, url)


def refuse_elsewhere(needed: Iterable[str]) -> None:
    """Raise click.ClickException unless the working directory has these files and folders."""
    missing = [name for name in needed if not Path(name).exists()]
    if missing:
        raise click.ClickException(
            f"there is no {' and no '.join(missing)} here: run this in a checkout or release folder"
        )


@contextmanager
def filled_database(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the service's URL of a database that is migrated and has a catalogue.

    The embedded server runs meanwhile where none is configured.
    """
    with running_database(settings, "app") as url:
        click.echo("migrating the database")
        migrate(database_url(settings, "admin"), MIGRATIONS, "migrate", "--strict")
        fill_if_new(database_url(settings, "etl"))
        yield url


def refuse_taken_port(address: str, port: int) -> None:
    """Raise click.ClickException unless we could listen there.

    gunicorn would say so too, but after having tried for a while.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET  # as gunicorn has it of names
    try:
        *_, where = socket.getaddrinfo(address, port, family, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise click.ClickException(f"BIND_ADDRESS={address}: {error.strerror}") from None
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        advice = (
            "BIND_ADDRESS has to be an address of this machine"
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
            else f"PORT chooses another one, as in PORT={another_port(port)}"
        )
        raise click.ClickException(
            f"cannot listen on port {port} of {address}: {error.strerror}. {advice}"
        ) from None


def another_port(port: int) -> int:
    """Return a port to propose: the next one, if anybody may listen there."""
    return port + 1 if 1023 <= port < 65535 else 8080


def fill_if_new(url: str) -> None:
    """Load a generated catalogue into a database that never had one."""
    try:
        loaded = ensure_sample(url, SAMPLE_PRODUCTS)
    except (EtlError, OSError) as error:
        raise click.ClickException(f"no catalogue to begin with: {error}") from None
    if loaded:
        click.echo(f"loaded a generated catalogue of {SAMPLE_PRODUCTS} products")


def run_gunicorn(settings: Mapping[str, Any], url: str) -> None:
    """Run gunicorn until it ends, which is a failure, or until we are stopped."""
    process = subprocess.Popen(
        leashed(
            [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
            signal.SIGTERM,
        ),
        # somebody is watching
        env=os.environ
        | {"LOG_FORMAT": os.environ.get("LOG_FORMAT") or "text", "DATABASE_URL": url},
        start_new_session=True,  # Ctrl-C reaches us alone, and gunicorn as an orderly SIGTERM
    )
    try:
        click.echo(f"serving on http://{host_and_port(settings)}/")
        status = process.wait()
    finally:
        end(process, STOP_SECONDS)
    raise click.ClickException(f"gunicorn ended with status {status}")
