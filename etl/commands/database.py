"""The database that the commands work on."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from etl.errors import EtlError
from products_service.config import ConfigurationError, load_settings
from products_service.databases import database
from products_service.embedded import EmbeddedError


@contextmanager
def etl_database() -> Iterator[str]:
    """Yield the URL to load into; the embedded server runs meanwhile where none is configured.

    What stops a command becomes a message: click.ClickException.
    """
    try:
        with database(load_settings(), "etl") as url:
            yield url
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    except BrokenPipeError:
        raise  # click ends quietly when nobody reads what is printed any more
    except (EmbeddedError, EtlError, OSError) as error:
        raise click.ClickException(str(error)) from None
