"""The files in which the workers of a host count, each for itself, added up.

They are under PROMETHEUS_MULTIPROC_DIR, which gunicorn.conf.py sets; whichever worker is asked adds
them up, and gunicorn itself those of workers that have ended.
"""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from products_service import later, waiting

# How long another worker may take to make the file that it counts in.
PATIENCE = 1.0  # seconds
PAUSE = 0.005  # seconds

# Bytes of a file without counts, which are the number of those in use.
_EMPTY = 8


def exposition() -> bytes:
    """Return what all workers of the host have counted, in Prometheus' text format."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    later.do_due()
    deadline = time.monotonic() + PATIENCE
    while True:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        try:
            with _files_locked(fcntl.LOCK_SH):
                return generate_latest(registry)
        except (struct.error, FileNotFoundError):
            # A worker that counts its first request is just making its file, which is empty yet;
            # or that of one that has ended before was removed since it was listed (`forget`).
            if time.monotonic() > deadline:
                raise
            waiting.pause(PAUSE)


def forget(pid: int) -> None:
    """Drop the gauges of a process that has ended, and add its counts to those of all such.

    Otherwise each worker that is replaced would leave files to be added up from then on. A file
    that it had only begun to make goes, since all who add up would wait for it.
    """
    mark_process_dead(pid)
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    # Not while somebody adds up, who would find the counts twice or not at all; and without waiting
    # for that, which may be a worker that hangs. Without folder or room the file stays as it is.
    with suppress(OSError), _files_locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
        for kind in ("counter", "histogram"):
            file = folder / f"{kind}_{pid}.db"
            if file.exists() and file.stat().st_size:
                _add_counts(file, folder / f"{kind}_ended.db")
                file.unlink()
    for file in folder.glob(f"*_{pid}.db"):
        if file.stat().st_size == 0:
            file.unlink()


@contextmanager
def _files_locked(kind: int) -> Iterator[None]:
    """Have nobody else change the workers' files, or with LOCK_EX read them."""
    descriptor = os.open(os.environ["PROMETHEUS_MULTIPROC_DIR"], os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _add_counts(file: Path, to: Path) -> None:
    # taken beforehand: a map of what the disk has no room for ends the process, here gunicorn's own
    with to.open("ab") as ended:
        os.posix_fallocate(ended.fileno(), 0, _used(to) + _used(file))
    counts = MmapedDict(os.fspath(to))
    try:
        for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(os.fspath(file)):
            counts.write_value(key, counts.read_value(key)[0] + value, timestamp)
    finally:
        counts.close()


def _used(file: Path) -> int:
    """Return how many bytes of a file of counts are in use, as its first four say."""
    with file.open("rb") as counts:
        return struct.unpack("i", counts.read(4).ljust(4, b"\0"))[0] or _EMPTY
