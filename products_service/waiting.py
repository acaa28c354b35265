"""How to wait for a socket: the thread blocks, unless its worker has others to serve meanwhile.

database.py waits for PostgreSQL by this. A worker that serves all its connections in one thread
puts a function of its own in the place of the one that blocks (serving/hub.py).
"""

import math
import select
import time
from collections.abc import Callable

# Given a file descriptor, POLLIN or POLLOUT, and a time by time.monotonic: returns whether the
# socket was ready before that time.
Wait = Callable[[int, int, float], bool]


def block(fd: int, events: int, deadline: float) -> bool:
    """Wait as every thread can; a deadline of math.inf is none."""
    poller = select.poll()
    poller.register(fd, events)
    left = None if deadline == math.inf else max(0.0, deadline - time.monotonic()) * 1000
    return bool(poller.poll(left))


_wait: Wait = block


def wait(fd: int, events: int, deadline: float) -> bool:
    """Wait until the socket is ready; return False when the deadline came first."""
    return _wait(fd, events, deadline)


def install(function: Wait) -> None:
    """Have the whole process wait by that function."""
    global _wait
    _wait = function


def is_shared() -> bool:
    """Whether others of this thread go on while one waits, and so would not if it blocked."""
    return _wait is not block
