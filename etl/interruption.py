"""Being stopped by a signal while PostgreSQL works: one way for statements, another for COPY.

psycopg2 waits for a statement in a wait callback, if it is given one: there the signal's handler
runs, and what it raises has the statement cancelled. COPY does not work under a wait callback, and
psycopg2 takes whatever a handler raises during it for a failure of the database. So signals are
blocked while it copies, and unblocked for a moment each time that it reads its stream, which keeps
what they raise.
"""

import math
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, get_wait_callback, set_wait_callback

from products_service.signals import STOPPING

# For a statement to end that was told to, before the session is given up.
_GIVING_UP = 10.0  # seconds
# How long a signal that is held waits for a server that takes nothing more, and how often we look.
HELD_AT_MOST = 10.0  # seconds
_LOOK = 0.2  # seconds


@contextmanager
def interruptible() -> Iterator[None]:
    """Have what a signal's handler raises end the statement, as it would any code of Python's.

    libpq by itself waits for a statement's end first, and an index takes a minute. The session
    stays, unless a second signal comes, or the server does not end the statement in time. Not for
    COPY, which psycopg2 does not do under a wait callback.
    """
    stopped: list[BaseException] = []
    deadline = math.inf
    cancelling: list[int] = []

    def wait(connection: Any) -> None:
        nonlocal deadline
        while True:
            try:
                state = connection.poll()
                if state == POLL_OK:
                    return
                reading, writing = ([connection], []) if state == POLL_READ else ([], [connection])
                left = deadline - time.monotonic()
                select.select(reading, writing, [], None if left == math.inf else max(left, 0))
                if time.monotonic() >= deadline:
                    raise stopped[0]  # which has psycopg2 close the connection
            except psycopg2.Error:
                raise
            except BaseException as error:
                if stopped:
                    raise
                # The statement's end is still to be read, or the session would be lost.
                cancelling.append(_cancel(connection))
                stopped.append(error)
                deadline = time.monotonic() + _GIVING_UP

    before = get_wait_callback()
    set_wait_callback(wait)
    try:
        yield
    finally:
        set_wait_callback(before)
        if stopped:
            _await_exit(cancelling[0])  # or it would be the next statement's turn
            raise stopped[0] from None


def _cancel(connection: Any) -> int:
    """Cancel the statement, in a process of its own; return its id.

    psycopg2's cancel() holds up all of our threads, for ever if the server is frozen. A second
    signal to stop, which a terminal sends to both, waits until there are two, and does not end the
    one that cancels.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        process = os.fork()
        if not process:
            try:
                connection.cancel()
            finally:
                os._exit(0)
        return process
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _await_exit(process: int) -> None:
    """Wait for a child to exit, but not for long."""
    latest = time.monotonic() + 1
    while os.waitpid(process, os.WNOHANG) == (0, 0):
        if time.monotonic() > latest:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return
        time.sleep(0.01)


class HeldSignals:
    """Holds back signals to stop that have a handler of Python's, but for a moment now and then.

    At any other moment psycopg2 would take what the handler raises for a failure of the database.
    Where no such moment comes, since the server takes nothing more, `give_up` is called.
    """

    def __init__(self, give_up: Callable[[], None]) -> None:
        self._give_up = give_up
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._held = {number for number in STOPPING if callable(signal.getsignal(number))}
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._held)
        self._watch = threading.Thread(target=self._look, daemon=True)  # it blocks them too
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def _look(self) -> None:
        since = math.inf
        while not self._over.wait(_LOOK):
            if not self._held & signal.sigpending():
                since = math.inf
            else:
                since = min(since, time.monotonic())
                if time.monotonic() - since >= HELD_AT_MOST:
                    self._give_up()
                    return

    def let_in(self) -> None:
        """Have the handlers of those that have come run now."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
        signal.pthread_sigmask(signal.SIG_BLOCK, self._held)
