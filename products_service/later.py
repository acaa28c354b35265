"""What may wait for a moment, to be done once for many requests.

A worker that serves all its connections in one thread arranges for that (serving/worker.py).
Where nobody does, nothing waits.
"""

from collections.abc import Callable

_due: set[Callable[[], None]] = set()
_arrange: Callable[[], None] | None = None


def install(arrange: Callable[[], None] | None) -> None:
    """Have the whole process wait: `arrange` is told to have do_due called in a moment.

    None has nothing wait any longer.
    """
    global _arrange
    _arrange = arrange


def is_possible() -> bool:
    """Whether anything waits. If so, nothing else runs at the same time in this process."""
    return _arrange is not None


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
        _due.pop()()
