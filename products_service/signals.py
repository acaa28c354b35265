"""How programs end: what a command does when it is told to, and what it does with those it runs.

`leaving_when_told` is for what ends by itself, `stopping_on_signals` for what runs until somebody
stops it, which is no failure then.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from products_service.leash import follow_parent

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What ends in order has ended in less: gunicorn gives requests 10 s (gunicorn.conf.py).
STOP_SECONDS = 45


class Stopped(BaseException):
    """Somebody asked us to stop. Like KeyboardInterrupt, only `stopping_on_signals` catches it."""


@contextmanager
def leaving_when_told() -> Iterator[None]:
    """Make SIGTERM, and SIGHUP of a terminal that is lost, raise SystemExit.

    So what was started is stopped and told. Not where somebody handles or ignores them already, nor
    in a thread, which may not.
    """
    in_main = threading.current_thread() is threading.main_thread()
    both = (signal.SIGTERM, signal.SIGHUP)
    ours = [each for each in both if in_main and signal.getsignal(each) is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, _leave)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)


def _leave(number: int, _: FrameType | None) -> None:
    """End the program, with the status that a shell gives for the signal."""
    raise SystemExit(128 + number)


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """End the block at the first signal to stop, wherever it is; later ones change nothing."""

    def stop(number: int, _: FrameType | None) -> None:
        for each in STOPPING:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    for each in STOPPING:
        if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN:  # as under nohup
            signal.signal(each, stop)
    if "MAKELEVEL" in os.environ:
        # make hands SIGTERM to the shell of the recipe only, which just ends
        follow_parent(signal.SIGTERM)
    try:
        yield
    except Stopped as stopped:
        click.echo(f"stopped by {stopped}")


def end(process: "subprocess.Popen[Any]", seconds: float) -> None:
    """Have a process end in order; after so many seconds make it, and all that it has started.

    It has a session of its own, so that those are its group.
    """
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
