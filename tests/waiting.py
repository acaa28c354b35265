"""How long tests wait: until something is so, and for what hangs."""

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

# seconds; a limit on what hangs, not a promise
HANG = 300

Found = TypeVar("Found")


def wait_for(
    condition: Callable[[], Found | None], process: subprocess.Popen[str] | None = None
) -> Found:
    """Return what `condition` returns as soon as it is true; fail if `process` ends before."""
    deadline = time.monotonic() + HANG
    while not (found := condition()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.002)  # some wait for what is soon over
    return found
