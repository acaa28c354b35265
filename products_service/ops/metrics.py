"""What Prometheus may ask: requests, statements, the pool, the load that is served.

The workers of a host count for themselves, in files under PROMETHEUS_MULTIPROC_DIR, which
gunicorn.conf.py sets; whichever is asked adds them up.
"""

import collections
import fcntl
import os
import struct
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.values import MultiProcessValue

from products_service import later, waiting
from products_service.database_events import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    StatementError,
)
from products_service.web.edge import Exchange, StatementTimer

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# How long another worker may take to make the file that it counts in.
PATIENCE = 1.0  # seconds
PAUSE = 0.005  # seconds

# Bytes of a file without counts, which are the number of those in use.
_EMPTY = 8

# Each count asks whether the process is another one than before; so the kernel is asked once.
_process = {"id": os.getpid()}
os.register_at_fork(after_in_child=lambda: _process.update(id=os.getpid()))

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    values.ValueClass = MultiProcessValue(lambda: _process["id"])


class Durations(Histogram):
    """A histogram that takes many at a time."""

    def observe_all(self, seconds: Sequence[float]) -> None:
        """Count them, as `observe` would each of them by itself."""
        self._sum.inc(sum(seconds))
        for place, count in collections.Counter(
            bisect_left(self._upper_bounds, each) for each in seconds
        ).items():
            self._buckets[place].inc(count)


REQUEST_SECONDS = Durations(
    "products_request_duration_seconds",
    "Time from a request's routing to its complete answer, without sending it.",
    ["route", "status"],
    buckets=SECONDS,
)
STATEMENT_SECONDS = Durations(
    "products_statement_duration_seconds",
    "What a request waited for its row, for others of its batch and a connection too, if it came.",
    ["statement"],
    buckets=SECONDS,
)
DATABASE_ERRORS = Counter(
    "products_database_errors",
    "Statements that got no answer: busy (the pool refused), unreachable, timeout, defect.",
    ["kind"],
)
# Each is 0 from the start: Prometheus' rate() sees no growth in a count that begins with it.
FAILURES = DatabaseBusyError, DatabaseUnreachableError, DatabaseTimeoutError, StatementError
POOL_SIZE = Gauge(
    "products_pool_connections_max",
    "Connections that the pools of all workers may have.",
    multiprocess_mode="livesum",
)
POOL_IN_USE = Gauge(
    "products_pool_connections_in_use",
    "Connections that requests are using now.",
    multiprocess_mode="livesum",
)
LOAD_NUMBER = Gauge(
    "products_load_number",
    "Number of the load that the last answer came from.",
    multiprocess_mode="livemostrecent",
)


class DatabaseMetrics(StatementTimer):
    """Counts what the process's database does."""

    load_number = None

    def __init__(self) -> None:
        self._uses = later.Notes(lambda changes: POOL_IN_USE.inc(sum(changes)), 256)
        self._statements = later.Notes(self._count_statements)
        self._failures = later.Notes(count_failures)
        for error in FAILURES:
            DATABASE_ERRORS.labels(error.kind)

    def taken(self) -> None:
        """Count a connection that is in use."""
        self._uses.add(1)

    def returned(self) -> None:
        """Count a connection that no longer is."""
        self._uses.add(-1)

    def answered(self, statement: str, seconds: float, load_number: int) -> None:
        """Count a statement, and note the load."""
        super().answered(statement, seconds, load_number)
        self.load_number = load_number
        self._statements.add((statement, seconds))

    def failed(self, statement: str, seconds: float, error: DatabaseError) -> None:
        """Count a statement without an answer."""
        super().failed(statement, seconds, error)
        self._failures.add(error.kind)

    def _count_statements(self, statements: Sequence[tuple[str, float]]) -> None:
        count_statements(statements)
        # also where it is the same as before: of all workers' the one that was set last counts
        LOAD_NUMBER.set(self.load_number)


# Finding a metric by its labels costs half as much as counting: the few there are, are kept.
statement_seconds = cache(STATEMENT_SECONDS.labels)
request_seconds = cache(REQUEST_SECONDS.labels)


def count_statements(statements: Sequence[tuple[str, float]]) -> None:
    """Count statements that were answered, by name, and the seconds that each took."""
    found = collections.defaultdict(list)
    for name, seconds in statements:
        found[name].append(seconds)
    for name, seconds in found.items():
        statement_seconds(name).observe_all(seconds)


def count_failures(kinds: Sequence[str]) -> None:
    """Count statements that got no answer, by the kind of error."""
    for kind, count in collections.Counter(kinds).items():
        DATABASE_ERRORS.labels(kind).inc(count)


def count_requests(exchanges: Sequence[Exchange]) -> None:
    """Count requests, by route and status, and the seconds that each took."""
    found = collections.defaultdict(list)
    for exchange in exchanges:
        found[exchange.route or "none", exchange.status].append(exchange.seconds)
    for labels, seconds in found.items():
        request_seconds(*labels).observe_all(seconds)


def exposition() -> bytes:
    """Return what all workers of the host have counted, in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
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
    """Forget what a process that has ended said of its present state; its counts stay.

    They are added to those of others that have ended, or there would be more files to be added up
    from worker to worker. A file that it was only about to begin goes, since all who add up would
    wait for it.
    """
    mark_process_dead(pid)
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    # Not while somebody adds up, who would find the counts twice or not at all. Nor do we wait for
    # him: he may be a worker that stands still. Without folder or room the file stays as it is.
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
