"""How long tests wait: until something is so, and for what hangs."""

import time
from collections.abc import Callable
from typing import TypeVar

# seconds; a limit on what hangs, not a promise
HANG = 300

Found = TypeVar("Found")


def wait_for(condition: Callable[[], Found | None]) -> Found:
    """Return what `condition` returns as soon as it is true."""
    deadline = time.monotonic() + HANG
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found
