"""How to wait: the thread blocks, unless its worker has others to serve meanwhile.

By this database/sessions.py and pipelines.py wait for PostgreSQL, checkouts.py there for a
connection, batches.py for the answer that somebody else asks for, ops/multiprocess.py for another
worker's file. A worker that serves all its connections in one thread puts its own way in the place
of the one that blocks (serving/hub.py).
"""

import math
import select
import time
from typing import Any, Protocol


class Scheduler(Protocol):
    """Of a thread that many share: runs others while one waits. Deadlines are by time.monotonic."""

    def runs_us(self) -> bool:
        """Whether the caller is one of them, and may be made to wait while others go on."""

    def wait(self, fd: int, events: int, deadline: float) -> bool:
        """Wait for a socket: POLLIN or POLLOUT; return False when the deadline came first."""

    def park(self, key: Any, deadline: float) -> bool:
        """Wait for wake(key); return False when the deadline came first."""

    def wake(self, key: Any) -> None:
        """Let who is parked by that key go on soon."""

    def hand_over(self, key: Any) -> None:
        """Let who is parked by that key go on at once, and the caller soon."""

    def go_last(self) -> None:
        """Let all others go on first who can at once, if there is anyone."""


_installed: Scheduler | None = None


def install(scheduler: Scheduler | None) -> None:
    """Have the whole process wait by it; None has its threads block."""
    global _installed
    _installed = scheduler


def scheduler() -> Scheduler | None:
    """Return the scheduler that runs the caller; None where waiting blocks the thread."""
    return _installed if _installed is not None and _installed.runs_us() else None


def block(fd: int, events: int, deadline: float) -> bool:
    """Wait as every thread can; a deadline of math.inf is none."""
    poller = select.poll()
    poller.register(fd, events)
    left = None if deadline == math.inf else max(0.0, deadline - time.monotonic()) * 1000
    return bool(poller.poll(left))


def wait(fd: int, events: int, deadline: float) -> bool:
    """Wait until the socket is ready; return False when the deadline came first."""
    shared = scheduler()
    return block(fd, events, deadline) if shared is None else shared.wait(fd, events, deadline)


def pause(seconds: float) -> None:
    """Wait for so long, without holding up others."""
    shared = scheduler()
    if shared is None:
        time.sleep(seconds)
    else:
        shared.park(object(), time.monotonic() + seconds)
