"""What may wait for a moment, to be done once for many requests.

A worker that serves all its connections in one thread arranges for that (serving/worker.py).
Where nobody does, nothing waits.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")

_due: set[Callable[[], None]] = set()
_arrange: Callable[[], None] | None = None


def install(arrange: Callable[[], None] | None) -> None:
    """Have the whole process wait: `arrange` is told to have do_due called in a moment.

    None has nothing wait any longer.
    """
    global _arrange
    _arrange = arrange


def do(function: Callable[[], None]) -> None:
    """Call a function in a moment, once, however often that is asked for; or else now."""
    if _arrange is None:
        function()
        return
    if not _due:
        _arrange()
    _due.add(function)


def do_due() -> None:
    """Call all that waits to be called."""
    while _due:
        _attempt(_due.pop())


def _attempt(note: Callable[..., None], *what: object) -> None:
    """Have something noted; if that cannot be, no request is answered otherwise for it."""
    try:
        note(*what)
    except Exception:
        logging.getLogger(__name__).exception("What has happened could not be noted")


class Notes(Generic[Item]):
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
            _attempt(self._note, [item])
            return
        self._kept.append(item)
        if len(self._kept) == 1:
            do(self._flush)
        elif len(self._kept) >= self._most:
            self._flush()

    def _flush(self) -> None:
        kept, self._kept = self._kept, []
        if kept:
            _attempt(self._note, kept)
