"""The database that the commands work on."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from etl.errors import EtlError
from products_service.config import load_settings
from products_service.database_urls import running_database
from products_service.plainly import plainly


@contextmanager
def etl_database() -> Iterator[str]:
    """Yield the URL to load into; the embedded server runs meanwhile where none is configured.

    What stops a command becomes a message: click.ClickException.
    """
    try:
        with plainly(), running_database(load_settings(), "etl") as url:
            yield url
    except EtlError as error:
        raise click.ClickException(str(error)) from None
