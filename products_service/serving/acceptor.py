"""Which connections a worker takes of those that come to sockets which all workers share."""

import errno
import select
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gunicorn.sock import BaseSocket

from products_service.serving.hub import Hub
from products_service.serving.shares import Share

# Taken in one turn, before the requests that have come meanwhile.
AT_ONCE = 32
# How long a worker leaves connections to others that have fewer: they may not run at the moment. So
# it looks again, less often where it finds that they do.
DEFERENCE = 0.005  # seconds
LONGEST_DEFERENCE = 0.05
# Another worker was faster, or the client has thought better of it.
_NOBODY = (errno.EAGAIN, errno.ECONNABORTED)
# The process, or the machine, has nothing left to take one with, or its network is away: it looks
# again so much later. Whatever it is, those who are served already have nothing to do with it.
NO_ROOM_SECONDS = 0.5

# Is given a connection, the client's address and ours.
Begin = Callable[[socket.socket, Any, Any], None]


class Acceptor:
    """Takes connections until there are `most`, and goes on when one has ended."""

    def __init__(
        self,
        hub: Hub,
        listeners: Sequence[BaseSocket],
        share: Share,
        most: int,
        begin: Begin,
        log: Any,
    ) -> None:
        self._hub = hub
        self._listeners = listeners
        self._share = share
        self._most = most
        self._begin = begin
        self._log = log
        self._count = 0
        self._watching = False
        self._deferring = False
        self._has_room = True  # for one more descriptor
        self._stopped = False

    def watch(self) -> None:
        """Take connections from now on."""
        if self._watching or self._deferring:
            return
        self._watching = True
        self._share.tell(self._count)
        for listener in self._listeners:
            # Of the workers that have nothing to do, the kernel wakes one and not all.
            accept = partial(self._accept, listener)
            self._hub.watch(listener.fileno(), accept, select.EPOLLEXCLUSIVE)

    def ended(self) -> None:
        """Note that a connection is closed."""
        self._count -= 1
        if not self._stopped:
            self._share.tell(self._count)
            self.watch()

    def stop(self) -> None:
        """Take whoever is connected, since nobody else will serve them, and then nobody more."""
        self._unwatch()
        self._stopped = True
        self._share.leave()
        for listener in self._listeners:
            while self._take(listener):
                pass
            listener.close()

    def _unwatch(self) -> None:
        if self._watching:
            self._watching = False
            for listener in self._listeners:
                self._hub.unwatch(listener.fileno())

    def _accept(self, listener: BaseSocket) -> None:
        if not self._watching:
            return  # since one came to another listener in this turn
        taken = 0
        while taken < AT_ONCE and self._count < self._most:
            if self._share.is_ample() or not self._take(listener):
                break
            taken += 1
        if self._is_full():
            self._unwatch()
        elif self._share.is_ample():
            # Whoever the kernel wakes in vain keeps it from waking another one.
            self._unwatch()
            self._deferring = True
            self._hub.spawn(self._defer)
        elif taken:
            # The kernel wakes the idle worker that has watched longest. So each goes to the end
            # of the queue, or the first would get every connection of a quiet hour.
            self._unwatch()
            self.watch()

    def _defer(self) -> None:
        """Leave who comes to the others while we have more; take some who are still there then.

        The more we have the more, so that a thousand who come at once wait for a moment only,
        also when the others are stuck.
        """
        seconds = DEFERENCE
        while True:
            self._hub.park(object(), self._hub.now + seconds)
            if self._stopped:
                return
            before = self._count
            enough = min(before + max(4, before // 4), self._most)
            for listener in self._listeners:
                while self._count < enough and self._take(listener):
                    pass
            if self._is_full() or not self._share.is_ample():
                break
            found = self._count > before
            seconds = DEFERENCE if found else min(2 * seconds, LONGEST_DEFERENCE)
        self._deferring = False
        if not self._is_full():
            self.watch()

    def _wait_for_room(self) -> None:
        """Go on after a while: what was lacking may be another process's to give back."""
        self._hub.park(object(), self._hub.now + NO_ROOM_SECONDS)
        self._has_room = True
        if not self._stopped:
            self.watch()

    def _is_full(self) -> bool:
        return self._count >= self._most or not self._has_room

    def _take(self, listener: BaseSocket) -> bool:
        """Begin one conversation, if a client waits for it; return whether one did."""
        try:
            connection, address = listener.accept()
        except OSError as error:
            if error.errno in _NOBODY:
                return False
            if self._has_room:
                self._log.warning("%s: taking no connection for a while", error.strerror)
                self._has_room = False
                self._hub.spawn(self._wait_for_room)
            return False
        self._count += 1
        if not self._stopped:
            self._share.tell(self._count)
        self._begin(connection, address, listener.getsockname())
        return True
