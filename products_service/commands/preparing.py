"""What `flask serve` and `flask cluster up` see to first: a full database, ports to listen on."""

import errno
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from etl.errors import EtlError
from etl.sample import ensure_sample
from products_service.commands.migrate import migrate
from products_service.database_urls import database_url, running_database

MIGRATIONS = Path("migrations")
SAMPLE_PRODUCTS = 1_000


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
