"""`flask serve`: everything that answering takes, from a fresh checkout on, until Ctrl-C."""

import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

import click

from products_service import release
from products_service.commands.preparing import filled_database, refuse_taken_port
from products_service.config import host_and_port, load_settings
from products_service.database_urls import refuse_two_databases
from products_service.leash import leashed
from products_service.plainly import plainly
from products_service.signals import STOP_SECONDS, end, stopping_on_signals


@click.command()
@plainly()
def serve() -> None:
    """Serve on PORT with a database and a catalogue.

    The database is started if it is ours, migrated, and filled with a generated catalogue if none
    was ever loaded. Ctrl-C or SIGTERM stops what was started.
    """
    settings = load_settings()
    refuse_two_databases(settings)
    release.require_files(release.HOST)
    refuse_taken_port(settings["BIND_ADDRESS"], settings["PORT"])
    with stopping_on_signals(), filled_database(settings) as url:
        run_gunicorn(settings, url)


def run_gunicorn(settings: Mapping[str, Any], url: str) -> None:
    """Run gunicorn until it ends, which is a failure, or until we are stopped."""
    process = subprocess.Popen(
        leashed(release.gunicorn(), signal.SIGTERM),
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
