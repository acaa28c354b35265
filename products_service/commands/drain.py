"""`flask drain`: have a host's clients go elsewhere before it is stopped."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import click

from products_service.config import load_settings
from products_service.plainly import plainly
from products_service.run_file import find_holder, raise_flag
from products_service.serving.draining import FILE
from products_service.signals import STOP_SECONDS


@click.command()
@click.option("--stop", is_flag=True, help="Then send SIGTERM, and wait until the host has ended.")
@plainly()
def drain(stop: bool) -> None:
    """Prepare the host of RUN_DIR for being stopped.

    From now on /ready answers 503 and every answer closes its connection. Returns after
    DRAIN_SECONDS, when SIGTERM meets no connection that a client still means to use. The next
    start of gunicorn ends it; nothing else does.
    """
    settings = load_settings()
    if settings["RUN_DIR"] is None:
        raise click.ClickException(
            "RUN_DIR is not set: gunicorn and this command find each other by that folder"
        )
    drain_host(Path(settings["RUN_DIR"]), settings["DRAIN_SECONDS"], stop)


def drain_host(run_dir: Path, seconds: int, stop: bool) -> None:
    """Drain the host of a folder for so many seconds, and stop it if asked to.

    Raises click.ClickException if none runs there.
    """
    file = run_dir / FILE
    process = find_holder(file)
    if process is None:
        raise click.ClickException(f"no gunicorn runs with RUN_DIR={run_dir}")
    raise_flag(file)
    click.echo(f"draining gunicorn, process {process}, for {seconds} s")
    time.sleep(seconds)
    if stop:
        stop_holder(file, process)
        click.echo("gunicorn has ended")


def stop_holder(file: Path, process: int, seconds: float = STOP_SECONDS) -> None:
    """Send SIGTERM to the process that holds a run file, and wait until it does not any more.

    Raises click.ClickException if it goes on for so many seconds.
    """
    if find_holder(file) == process:  # else it has ended, and its number may be another's
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while find_holder(file) == process:
        if time.monotonic() > deadline:
            raise click.ClickException(f"process {process} has not ended after {seconds} s")
        time.sleep(0.05)
