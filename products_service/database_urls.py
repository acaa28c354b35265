"""Which database each of the service's purposes uses, and the server behind it if it is ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from products_service import embedded
from products_service.config import ConfigurationError
from products_service.signals import leaving_when_told


class Purpose(NamedTuple):
    """What a database is asked for: the settings that name it, and the role on our own server."""

    settings: tuple[str, ...]  # of which the first one that is set counts
    role: str


PURPOSES = {
    "app": Purpose(("DATABASE_URL",), "products_app"),
    "etl": Purpose(("ETL_DATABASE_URL", "DATABASE_URL"), "products_etl"),
    "admin": Purpose(
        ("MIGRATIONS_DATABASE_URL", "ETL_DATABASE_URL", "DATABASE_URL"),
        "postgres",
    ),
}


def named_by(settings: Mapping[str, Any], purpose: str) -> str | None:
    """Return the setting that names the database of `purpose`; None: it is the embedded one."""
    names = PURPOSES[purpose].settings
    return next((name for name in names if settings[name] is not None), None)


def refuse_two_databases(settings: Mapping[str, Any]) -> None:
    """Raise ConfigurationError where loads or migrations go past the database that is served."""
    name = named_by(settings, "admin")
    if name is not None and named_by(settings, "app") is None:
        raise ConfigurationError(
            f"{name} is set and DATABASE_URL is not: the service would read from another database, "
            f"the embedded one. Set DATABASE_URL to the same one as {name}, or unset {name}"
        )


def database_url(settings: Mapping[str, Any], purpose: str) -> str:
    """Return the libpq URL for `purpose`: "app", "etl" or "admin".

    Raises embedded.EmbeddedError if no setting names a database and there is none of our own.
    """
    name = named_by(settings, purpose)
    if name is not None:
        return settings[name]
    return embedded.url(Path(settings["DEVDB_DIR"]), PURPOSES[purpose].role)


@contextmanager
def running_database(settings: Mapping[str, Any], purpose: str) -> Iterator[str]:
    """Yield the URL for `purpose`; the embedded server, if it is that, runs meanwhile.

    SIGTERM and SIGHUP end the block in order. Raises embedded.EmbeddedError.
    """
    with (
        leaving_when_told(),
        embedded.running(Path(settings["DEVDB_DIR"]))
        if named_by(settings, purpose) is None
        else nullcontext(),
    ):
        yield database_url(settings, purpose)
