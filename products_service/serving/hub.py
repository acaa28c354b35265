"""Greenlets that wait for sockets, and the one epoll that tells which may go on.

A greenlet is a function that can stop in the middle, wherever it was called from, and be resumed
there: while one waits, the thread goes on with another. Nothing runs at the same time, so what
does not wait is never interrupted.
"""

import math
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

READABLE = select.EPOLLIN
WRITABLE = select.EPOLLOUT
# Reported once for each time that it is asked for, so that what nobody waits for wakes nobody.
_ONCE = select.EPOLLONESHOT
# Deadlines are looked at once in so long at most, and a wait may end that much later: in overload
# hundreds are parked, and to look through all of them for each deadline would take longer than
# serving a request.
_LATE = 0.01  # seconds


class Hub:
    """Resumes greenlets when what they wait for has come. One a process, made after the fork.

    Times are by time.monotonic; `now` is when the present turn began.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._main = getcurrent()
        self._parked: dict[Any, tuple[greenlet, float]] = {}  # and until when
        self._ready: deque[tuple[greenlet, tuple[Any, ...]]] = deque()
        self._watched: dict[int, Callable[[], None]] = {}
        self._coming = 0  # events of this turn that are still to be seen to
        # Deadlines hardly ever pass, so they are not sorted: from then on, when the first may have,
        # all who are parked are looked through, once in _LATE at most.
        self._look_at = math.inf
        self.now = time.monotonic()
        self._looked_at = self.now

    def spawn(self, function: Callable[..., None], *arguments: Any) -> None:
        """Run a function in a greenlet of its own, from the next turn on."""
        self._ready.append((greenlet(function, self._main), arguments))

    def runs_us(self) -> bool:
        """Whether we are a greenlet of the hub's: not so while the application is loaded."""
        return getcurrent().parent is self._main

    def wait(self, fd: int, events: int, deadline: float) -> bool:
        """Let others run until the file descriptor is ready; return False if the deadline came.

        Also returns True after wake(fd).
        """
        try:
            self._epoll.modify(fd, events | _ONCE)
        except FileNotFoundError:
            self._epoll.register(fd, events | _ONCE)
        return self.park(fd, deadline)

    def park(self, key: Any, deadline: float) -> bool:
        """Let others run until wake(key); return False if the deadline came first."""
        self._parked[key] = getcurrent(), deadline
        if deadline < self._look_at:
            self._look_at = max(deadline, self._looked_at + _LATE)
        return self._main.switch()

    def wake(self, key: Any, found: bool = True) -> None:
        """Let the greenlet that is parked by that key go on in the next turn, with `found`."""
        if key in self._parked:
            parked, _ = self._parked.pop(key)
            self._ready.append((parked, (found,)))

    def hand_over(self, key: Any) -> None:
        """Let the greenlet that is parked by that key go on at once, and us when we may next."""
        if key in self._parked:
            parked, _ = self._parked.pop(key)
            self._ready.append((getcurrent(), ()))
            parked.switch(True)

    def pause(self) -> None:
        """Let everyone else who can go on do so first."""
        self._ready.append((getcurrent(), ()))
        self._main.switch()

    def go_last(self) -> None:
        """Let everyone else who can go on in this turn do so first, if there is anyone."""
        if self._coming or self._ready:
            self.pause()

    def watch(self, fd: int, handler: Callable[[], None], flags: int = 0) -> None:
        """Call a function, which does not wait, in each turn that finds `fd` readable."""
        self._epoll.register(fd, READABLE | flags)
        self._watched[fd] = handler

    def unwatch(self, fd: int) -> None:
        """Do so no longer."""
        self._epoll.unregister(fd)
        del self._watched[fd]

    def turn(self, until: float) -> None:
        """Run every greenlet that can go on, once; wait for the first one until then at most.

        Handlers come last: who has work of its own is slower to take on more.
        """
        events = self._epoll.poll(self._patience(until))
        self.now = time.monotonic()
        self._coming = len(events)
        handlers = []
        for fd, _ in events:
            self._coming -= 1
            if fd in self._parked:
                parked, _ = self._parked.pop(fd)
                parked.switch(True)
            elif fd in self._watched:
                handlers.append(self._watched[fd])
        # only these: who pauses again has had its turn
        for _ in range(len(self._ready)):
            paused, arguments = self._ready.popleft()
            paused.switch(*arguments)
        for handler in handlers:
            handler()
        if self._look_at <= self.now:
            self._resume_overdue()

    def _patience(self, until: float) -> float:
        if self._ready:
            return 0.0
        return max(0.0, min(until, self._look_at) - time.monotonic())

    def _resume_overdue(self) -> None:
        overdue = [key for key, (_, deadline) in self._parked.items() if deadline <= self.now]
        for key in overdue:
            # one that was resumed before it may have woken it
            if key in self._parked:
                parked, _ = self._parked.pop(key)
                parked.switch(False)
        self._looked_at = self.now
        first = min((deadline for _, deadline in self._parked.values()), default=math.inf)
        self._look_at = max(first, self._looked_at + _LATE)
