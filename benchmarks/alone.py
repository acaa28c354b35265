"""One benchmark at a time, since two would measure each other."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BenchmarkError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that the kernel takes back however we end. Raises BenchmarkError, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BenchmarkError(f"another benchmark has {path}") from None
        yield
