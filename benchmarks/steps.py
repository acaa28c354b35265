"""What a person sees while a benchmark runs: a word on whatever takes more than a second."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

PATIENCE = 1.0  # seconds


@contextmanager
def step(label: str) -> Iterator[None]:
    """Say on standard error what is being done once it takes long, and then how long it took."""
    started = time.monotonic()
    word = threading.Timer(PATIENCE, click.echo, [f"{label} ..."], {"err": True})
    word.daemon = True
    word.start()
    try:
        yield
    finally:
        word.cancel()
    seconds = time.monotonic() - started
    if seconds > PATIENCE:
        click.echo(f"{label}: {seconds:.1f} s", err=True)
