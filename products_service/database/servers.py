"""Which of several database servers is asked: standbys in turn, and not those that just failed."""

import random
import threading
import time

# A server that failed is left alone for so long, if there is another.
FAILED_FOR = 5.0  # seconds
# One that turned out to be the primary stays one, as far as is known, for so long: finding out
# costs whoever waits for a connection a second one.
PRIMARY_FOR = 600.0  # seconds


class Servers:
    """Knows the servers by their numbers, from 0; for all threads of a process."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        # Each process begins with another, or the first would get the most.
        self._turn = random.randrange(count)  # noqa: S311
        self._failed_until = [0.0] * count
        self._primary_until = [0.0] * count

    def __len__(self) -> int:
        return len(self._failed_until)

    def in_turn(self) -> tuple[list[int], list[int]]:
        """Return the servers to try, the one whose turn it is first, and those to try after them.

        The latter are who is no standby, and, last, who failed a moment ago.
        """
        with self._lock:
            self._turn += 1
            now = time.monotonic()
            primary = [number for number, until in enumerate(self._primary_until) if until > now]
            failed = [number for number, until in enumerate(self._failed_until) if until > now]
            standbys = [number for number in range(len(self)) if number not in primary]
            first = self._rotated([number for number in standbys if number not in failed])
            # where all have failed, standbys in turn and before the primary, as ever
            lost = self._rotated([number for number in standbys if number in failed])
            lost += [number for number in primary if number in failed]
            return first, [number for number in primary if number not in failed] + lost

    def _rotated(self, numbers: list[int]) -> list[int]:
        at = self._turn % (len(numbers) or 1)
        return numbers[at:] + numbers[:at]

    def mark_failed(self, number: int) -> None:
        """Let others be tried before this one, for a while."""
        self._failed_until[number] = time.monotonic() + FAILED_FOR

    def mark_primary(self, number: int) -> None:
        """Let standbys be tried before this one, for a while."""
        self._primary_until[number] = time.monotonic() + PRIMARY_FOR
