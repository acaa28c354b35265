"""How much memory a process and its children take, as the kernel accounts for it. Linux only."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.processes import PROC, family

EVERY = 0.1  # seconds


@dataclass
class Peak:
    """The most that was seen at once, in bytes; 0 where nothing could be seen.

    `proportional` shares out what several processes have in common; `resident` counts it for each.
    """

    proportional: int = 0
    resident: int = 0


@contextmanager
def watching(pid: int) -> Iterator[Peak]:
    """Yield what a process and its children take at most, which is complete after the block."""
    peak = Peak()
    done = threading.Event()

    def look() -> None:
        while not done.wait(EVERY):
            figures = [_read(each) for each in family(pid)]
            peak.proportional = max(peak.proportional, sum(each["Pss"] for each in figures))
            peak.resident = max(peak.resident, sum(each["Rss"] for each in figures))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _read(pid: int) -> dict[str, int]:
    """Return Pss and Rss of a process in bytes, 0 if it is gone or not ours to look at."""
    figures = {"Pss": 0, "Rss": 0}
    try:
        for line in (PROC / f"{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in figures:
                figures[name] = int(rest.split()[0]) * 1024
    except OSError:
        pass
    return figures
