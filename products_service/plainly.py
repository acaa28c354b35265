"""What a command says when it cannot go on: a sentence and an exit status, not a traceback."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import click

from products_service.config import ConfigurationError
from products_service.embedded import EmbeddedError
from products_service.release import NoReleaseError


class BadConfiguration(click.ClickException):
    """A setting is wrong; the exit status is that of a wrong option."""

    exit_code = 2


@contextmanager
def plainly() -> Iterator[None]:
    """Turn the service's own exceptions, and the system's, into click's.

    Also a decorator, below the command's.
    """
    try:
        yield
    except ConfigurationError as error:
        raise BadConfiguration(str(error)) from None
    except (EmbeddedError, NoReleaseError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        # click itself ends quietly when nobody reads what is printed any more
        if error.errno == errno.EPIPE:
            raise
        # of two, what was to be replaced
        name = error.filename2 or error.filename
        raise click.ClickException(f"{name}: {error.strerror}" if name else str(error)) from None
