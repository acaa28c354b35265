"""`flask db`: the embedded PostgreSQL server, and the migrations of whatever server is in use."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from products_service import embedded
from products_service.commands.migrate import migrate
from products_service.commands.options import directory_option
from products_service.config import load_settings
from products_service.database_urls import PURPOSES, database_url, named_by, running_database
from products_service.doctor.catalogue import applied_migrations
from products_service.doctor.connection import Session, SessionError
from products_service.doctor.findings import SkipError
from products_service.embedded.binaries import wheel_folder
from products_service.extras import how_to_install
from products_service.libpq_url import CONNECT_TIMEOUT, parse
from products_service.plainly import plainly
from products_service.signals import leaving_when_told


def role_option(default: str) -> Any:
    """Return the option that says as whom to connect."""
    return click.option(
        "--role",
        type=click.Choice(list(PURPOSES)),
        default=default,
        show_default=True,
        help="Connect as the service (only reads), as the load, or as who defines tables.",
    )


@click.group()
def db() -> None:
    """Start, migrate and open the database.

    Migrations use MIGRATIONS_DATABASE_URL, else ETL_DATABASE_URL, else DATABASE_URL; `url` and
    `shell` the one of their `--role`: `admin` the same, `etl` the same but for the first, `app`
    DATABASE_URL alone, as `status` does. Where none is set it is the embedded server.
    """


@db.command()
@plainly()
def start() -> None:
    """Start the embedded server.

    It runs until `flask db stop`, whoever uses it meanwhile. If it ends by itself, the next who
    uses it starts it, and it stays.
    """
    with leaving_when_told():
        found = embedded.start(own_server())
    click.echo(described(found))


@db.command()
@click.option("--remove", is_flag=True, help="Then remove its data, wherever they are.")
@plainly()
def stop(remove: bool) -> None:
    """Stop the embedded server, whoever started it."""
    folder = own_server()
    stopped = embedded.stop(folder, remove)
    click.echo("PostgreSQL is stopped" if stopped else "PostgreSQL was not running")
    if remove and folder.exists():
        click.echo(f"what else is in {click.format_filename(folder)} stays")


@db.command()
@plainly()
def status() -> None:
    """Say whether the database answers.

    The exit status is 1 if it does not.
    """
    settings = load_settings()
    name = named_by(settings, "app")
    if name is None:
        found = embedded.status(Path(settings["DEVDB_DIR"]))
        answers = found.answers
        click.echo(described(found))
    else:
        answers = answers_at(settings[name])
        click.echo(f"the server of {name} {'answers' if answers else 'does not answer'}")
    sys.exit(0 if answers else 1)


@db.command()
@role_option("app")
@plainly()
def url(role: str) -> None:
    """Print the libpq URL of the database, password included."""
    click.echo(database_url(load_settings(), role))


@db.command(context_settings={"ignore_unknown_options": True})
@role_option("admin")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@plainly()
def shell(role: str, arguments: tuple[str, ...]) -> None:
    """Open psql on the database; ARGUMENTS go to psql."""
    with running_database(load_settings(), role) as address:
        parts = parse(address)
        # Ctrl-C is psql's: it ends a statement there
        signal.signal(signal.SIGINT, lambda *_: None)
        finished = subprocess.run(
            [program("psql"), str(parts.without_password()), *arguments],
            env=psql_environment(parts.password),
            check=False,
        )
    # of a signal as shells have it
    sys.exit(finished.returncode if finished.returncode >= 0 else 128 - finished.returncode)


def psql_environment(password: str | None) -> dict[str, str]:
    """Return the environment for psql, which keeps the password off its command line."""
    return CONNECT_TIMEOUT | os.environ | ({"PGPASSWORD": password} if password else {})


@db.command()
@directory_option
@plainly()
def upgrade(directory: Path) -> None:
    """Apply the migrations that are pending.

    In order, and none if one is older than the newest applied; several at once take turns.
    """
    with running_database(load_settings(), "admin") as address:
        migrate(address, directory, "migrate", "--strict")


@db.command()
@directory_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@plainly()
def downgrade(directory: Path, yes: bool) -> None:
    """Take back the newest applied migration, with the data in what it made.

    For development: an older release works with the schema of a newer one.
    """
    with running_database(load_settings(), "admin") as address:
        if not yes:
            click.confirm(
                f"What the newest migration made in {parse(address).without_password()} is "
                "dropped, data included, and the service needs it. Take it back?",
                abort=True,
                err=True,
            )
        migrate(address, directory, "down")


@db.command()
@directory_option
@plainly()
def migrations(directory: Path) -> None:
    """List the migrations: [X] is applied, [ ] is pending."""
    with running_database(load_settings(), "admin") as address:
        refuse_blind(address)
        migrate(address, directory, "status")


def refuse_blind(address: str) -> None:
    """Raise click.ClickException if the role may not see which migrations are applied.

    dbmate takes what it may not see for what is not there.
    """
    try:
        with closing(Session(address)) as session:
            applied_migrations(session)
    except (SessionError, SkipError) as error:
        raise click.ClickException(str(error)) from None


def own_server() -> Path:
    """Return the embedded server's folder, or refuse where the settings name other servers."""
    settings = load_settings()
    name = named_by(settings, "admin")
    if name is not None:
        raise click.ClickException(f"{name} is set: that server is not ours to start or stop")
    return Path(settings["DEVDB_DIR"])


def described(found: embedded.Status) -> str:
    """Return a line on the embedded server."""
    if not found.runs:
        data = click.format_filename(found.place.data)
        exists = found.place.data.exists()
        which = f"its data are in {data}" if exists else f"there are no data in {data} yet"
        return f"PostgreSQL is stopped; {which}"
    answers = "answers" if found.answers else "does not answer"
    until = "until `flask db stop`" if found.kept else "while somebody uses it"
    log = click.format_filename(found.place.log)
    process = f"process {found.pid}" if found.pid else "a process of another container"
    return f"PostgreSQL {answers}, as {process}, {until}; its log is {log}"


def answers_at(address: str) -> bool:
    """Whether the server of a URL takes connections."""
    asked = subprocess.run(
        [program("pg_isready"), "-q", "-d", str(parse(address).without_password())], check=False
    )
    return asked.returncode == 0


def program(name: str) -> str:
    """Return one of PostgreSQL's client programs: the wheel's, or the machine's."""
    try:
        return str(wheel_folder() / "bin" / name)
    except embedded.EmbeddedError:
        found = shutil.which(name)
    if found is None:
        raise click.ClickException(
            f"{name} is not installed: {how_to_install('embedded')}, or install "
            "PostgreSQL's client programs"
        )
    return found
