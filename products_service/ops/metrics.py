"""What is counted for Prometheus: requests, statements, the pool, the load that is served."""

import collections
import os
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache

from prometheus_client import Counter, Gauge, Histogram, values
from prometheus_client.values import MultiProcessValue, MutexValue

from products_service import later
from products_service.database.errors import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    StatementError,
)
from products_service.web.edge import Exchange, StatementTimer

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

# prometheus_client asks for it at each count, to see that the process has forked; kept here, and
# renewed after a fork, that takes no system call.
_process = {"id": os.getpid()}
os.register_at_fork(after_in_child=lambda: _process.update(id=os.getpid()))

if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    values.ValueClass = MultiProcessValue(lambda: _process["id"])
else:
    # prometheus_client takes an empty one for the folder that we are run in
    values.ValueClass = MutexValue


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
    "Time from asking for a statement's row to having it, waits for a connection and for its batch "
    "included. Statements without an answer are not counted.",
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
        self._uses = later.Buffer(lambda changes: POOL_IN_USE.inc(sum(changes)), 256)
        self._statements = later.Buffer(self._count_statements)
        self._failures = later.Buffer(count_failures)
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
