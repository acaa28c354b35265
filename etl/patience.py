"""Locks that readers' sessions may hold: asked for again and again, each time for a moment."""

import time
from collections.abc import Callable

from etl.connection import LockTimeoutError
from etl.errors import EtlError

# A statement of the service ends by its own time limit, far sooner than this.
PATIENCE = 60.0  # seconds
PAUSE = 0.1  # seconds, in which whoever queued up behind us has a turn


def insist(attempt: Callable[[], None], refusal: EtlError) -> None:
    """Call `attempt` until it gets its lock; raise `refusal` once patience has run out.

    `attempt` waits for the lock as briefly as its lock_timeout says and leaves nothing behind when
    it fails: a request for an exclusive lock that waits holds up all readers who come after it.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except LockTimeoutError:
            if time.monotonic() > deadline:
                raise refusal from None
        time.sleep(PAUSE)
