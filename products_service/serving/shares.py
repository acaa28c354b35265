"""How many connections each worker of a host has: told in memory that all of them share."""

from itertools import count
from mmap import mmap
from typing import Any
from weakref import WeakValueDictionary

# Twice as many as GUNICORN_WORKERS may be: while a host reloads, it has old ones and new ones.
MOST = 512
_UNUSED = -2
_ABSENT = -1


class Shares:
    """A number for each worker. Made in the process that forks the workers, before it does."""

    def __init__(self) -> None:
        self._numbers = memoryview(mmap(-1, MOST * 4)).cast("i")
        for place in range(MOST):
            self._numbers[place] = _UNUSED
        self._owners: WeakValueDictionary[int, Any] = WeakValueDictionary()

    def assign(self, worker: Any) -> "Share":
        """Return the share of a worker to be forked; its place is free again when it is forgotten.

        Until another one has the place, its number stays as it was left.
        """
        place = next(number for number in count() if number not in self._owners)
        self._owners[place] = worker
        share = Share(self._numbers, place)
        share.leave()
        return share


class Share:
    """One worker's number, beside those of the others."""

    def __init__(self, numbers: memoryview, place: int) -> None:
        self._numbers = numbers
        self._place = place

    def tell(self, number: int) -> None:
        """Tell the others how many connections we have."""
        self._numbers[self._place] = number

    def leave(self) -> None:
        """Tell the others that we take none."""
        self._numbers[self._place] = _ABSENT

    def is_ample(self) -> bool:
        """Whether we have more than 9/8 of what the worker with the fewest has, and one more."""
        least = ours = self._numbers[self._place]
        for number in self._numbers:
            if number == _UNUSED:
                break
            if _ABSENT < number < least:
                least = number
        return ours > least + least // 8 + 1
