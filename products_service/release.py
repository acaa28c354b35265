"""A folder that hosts run in, of a checkout or a release: what it has, and gunicorn there."""

import sys
from collections.abc import Iterable
from pathlib import Path

CONFIGURATION = "gunicorn.conf.py"
APPLICATION = "wsgi.py"
HOST = (APPLICATION, CONFIGURATION, "migrations")
BALANCER = ("nginx.conf", "nginx")


class NoReleaseError(Exception):
    """The working folder is none; the message says what to do."""


def missing(names: Iterable[str], folder: Path) -> str:
    """Return which of these a folder lacks, as "a and no b"; "" if it has them."""
    return " and no ".join(name for name in names if not (folder / name).exists())


def require_files(names: Iterable[str]) -> None:
    """Raise NoReleaseError unless the working folder has these files and folders."""
    if lacks := missing(names, Path()):
        raise NoReleaseError(f"there is no {lacks} here: run this in a checkout or release folder")


def gunicorn(application: str = "wsgi:app", *options: str) -> list[str]:
    """Return the command line of a host, to be run in such a folder."""
    return [sys.executable, "-m", "gunicorn", "-c", CONFIGURATION, *options, application]
