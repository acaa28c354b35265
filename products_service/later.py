"""What may wait for a moment, to be done once for many requests.

A worker that serves all its connections in one thread arranges for that (serving/worker.py).
Where nobody does, nothing waits.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")

_due: set["Buffer[Any]"] = set()
_arrange: Callable[[], None] | None = None


def install(arrange: Callable[[], None] | None) -> None:
    """Have the whole process wait: `arrange` is told to have do_due called in a moment.

    None has nothing wait any longer.
    """
    global _arrange
    _arrange = arrange


def do_due() -> None:
    """Have all noted that waits for it."""
    while _due:
        _due.pop().flush()


class Buffer(Generic[Item]):
    """Has things noted together, `most` of them or those of a moment; at once where nothing waits.

    One after the other they take less CPU than each does in the middle of its request
    (docs/decisions/request-path.md).
    """

    def __init__(self, note: Callable[[Sequence[Item]], None], most: int = 64) -> None:
        self._note = note
        self._most = most
        self._kept: list[Item] = []

    def add(self, item: Item) -> None:
        """Have it noted."""
        if _arrange is None:
            self._attempt([item])
            return
        if not self._kept:
            if not _due:
                _arrange()
            _due.add(self)
        self._kept.append(item)
        if len(self._kept) >= self._most:
            self.flush()

    def flush(self) -> None:
        """Have noted what waits for it."""
        kept, self._kept = self._kept, []
        if kept:
            self._attempt(kept)

    def _attempt(self, items: Sequence[Item]) -> None:
        """Note them; if that cannot be, no request is answered otherwise for it."""
        try:
            self._note(items)
        except Exception:
            logging.getLogger(__name__).exception("What has happened could not be noted")
