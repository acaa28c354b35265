"""What a person sees while a load runs: bars on a terminal, lines elsewhere, or nothing."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click


def say(text: str, nl: bool = True) -> None:
    """Say it on standard error. A load is none the worse where that is on a full disk.

    Raises BrokenPipeError: who has closed the other end does not want it to go on.
    """
    try:
        click.echo(text, nl=nl, err=True)
    except BrokenPipeError:
        raise
    except OSError:
        return


class Progress:
    """Shows nothing: the base of the two that do, and what --quiet uses."""

    def begin_file(self, what: str, size: int, unit: str = "bytes") -> None:
        """A file is about to be gone through: `what` says which and how; `size` is in units."""

    def advance(self, size: int) -> None:
        """So many more units of it are done."""

    def end_file(self) -> None:
        """All of it is done, or as much as will be."""

    @contextmanager
    def file(self, what: str, size: int, unit: str = "bytes") -> Iterator[Callable[[int], None]]:
        """Begin a file and yield `advance`; it is ended however what is inside ends."""
        self.begin_file(what, size, unit)
        try:
            yield self.advance
        finally:
            self.end_file()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that a step runs, then how long it took."""
        yield


class Lines(Progress):
    """A line on standard error when something begins and every few seconds while it lasts."""

    every = 5.0  # seconds

    def begin_file(self, what: str, size: int, unit: str = "bytes") -> None:
        """Say which file it is."""
        self._what, self._size, self._done = what, size, 0
        self._started = self._said = time.monotonic()
        say(f"{what}, {size:,} {unit}")

    def advance(self, size: int) -> None:
        """Say how far it is, now and then."""
        self._done += size
        now = time.monotonic()
        if now - self._said >= self.every and self._done:
            self._said = now
            left = (now - self._started) / self._done * (self._size - self._done)
            share = self._done / self._size
            say(f"{self._what}: {share:.0%}, about {left:.0f} s left")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say what is done, and its time when that was long enough to wonder about."""
        started = time.monotonic()
        say(name)
        yield
        if (seconds := time.monotonic() - started) >= 1:
            say(f"{name}: {seconds:.1f} s")


class Bars(Progress):
    """A bar a file on a terminal, with the time that is left; in MB where bytes are read."""

    _bar: Any = None
    # whether a step's name stands on the line, and its time is to come
    _unfinished = False

    def begin_file(self, what: str, size: int, unit: str = "bytes") -> None:
        """Draw the file's bar, which with all that stands beside it fits 80 columns."""
        self._finish_line()
        self._bar = click.progressbar(
            length=size,
            label=f"{what:<21}",
            file=sys.stderr,
            width=16,
            item_show_func=self._megabytes if unit == "bytes" else None,
            update_min_steps=max(1, size // 1000),
        )
        self._bar.__enter__()

    def advance(self, size: int) -> None:
        """Draw it further."""
        self._bar.update(size)

    def end_file(self) -> None:
        """Leave the bar as it is and go on below it."""
        self._bar.__exit__(None, None, None)

    def _megabytes(self, _: object) -> str:
        done, size = self._bar.pos / 1e6, self._bar.length / 1e6
        digits = 0 if size >= 10 else 1
        return f"{done:,.{digits}f} of {size:,.{digits}f} MB"

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say what is done, and behind it how long it took; below the bars of its files, if any."""
        started = time.monotonic()
        say(f"{name} ", nl=False)
        self._unfinished = True
        try:
            yield
        except BaseException:
            self._finish_line()
            raise
        before = "" if self._unfinished else f"{name} "
        say(f"{before}{time.monotonic() - started:.1f} s")
        self._unfinished = False

    def _finish_line(self) -> None:
        if self._unfinished:
            say("")
            self._unfinished = False


def choose_progress(quiet: bool) -> Progress:
    """Return what suits where standard error goes."""
    if quiet or sys.stderr is None:
        return Progress()
    return Bars() if sys.stderr.isatty() else Lines()
