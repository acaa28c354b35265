"""A hub for tests: its clock, whose time passes at once, and its turns."""

import math
import time
from collections.abc import Callable

from products_service.serving.hub import Hub
from tests.waiting import HANG

# seconds: what times differ by after a sum, and by how much the hub may look at deadlines late
ROUNDING = 1e-6
LATE = 0.01 + ROUNDING


class Clock:
    """A hub's time, and its epoll: all that ever takes time is waiting, which is done at once."""

    def __init__(self, hub: Hub) -> None:
        # not when this machine was started, on which it depends how sums are rounded
        self.now = hub.now = hub._looked_at = 1000.0
        self._epoll = hub._epoll
        self.register, self.modify = self._epoll.register, self._epoll.modify

    def monotonic(self) -> float:
        return self.now

    def poll(self, seconds: float) -> list[tuple[int, int]]:
        found = self._epoll.poll(0)
        if not found:
            # never so little that it is rounded away
            self.now = math.nextafter(self.now + seconds, math.inf)
        return found


def run(hub: Hub, done: Callable[[], object]) -> None:
    """Take turns until it is done."""
    end = time.monotonic() + HANG
    while not done():
        assert time.monotonic() < end, "waited too long"
        hub.turn(end)
