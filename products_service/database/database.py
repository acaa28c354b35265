"""The way to PostgreSQL: pooled connections, prepared statements, a deadline on every wait."""

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from products_service import waiting
from products_service.database.batches import Batches
from products_service.database.checkouts import BUSY, is_shed
from products_service.database.deadlines import deadline_within
from products_service.database.errors import DatabaseBusyError, DatabaseError
from products_service.database.executor import Executor, Row
from products_service.database.observer import Observer
from products_service.database.pool import Pool
from products_service.database.sessions import Sessions
from products_service.statements import Statement, all_prepared


class Database:
    """Runs the service's statements. One for a process, made after the fork, used by all threads.

    Times are in seconds. Nothing is connected before `warm_up` or the first fetch.
    """

    def __init__(
        self,
        url: str,
        statements: Mapping[str, Statement],
        *,
        pool_size: int,
        statement_timeout: float,
        connect_timeout: float,
        deadline: float,
        retry_pause: float,
        observer: Observer | None = None,
    ):
        self._observer = observer or Observer()
        # When it was asked, number and digest of the load: one value, so that no thread reads a
        # part of another's.
        self._seen: tuple[float, int, str] = (-math.inf, 0, "")
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._statements = statements
        sessions = Sessions(
            url,
            [
                "SET default_transaction_read_only = on",
                f"SET statement_timeout = {round(statement_timeout * 1000)}",
                # One plan for all values: a plan for each takes longer than any of ours runs, and
                # left to itself PostgreSQL makes one (docs/decisions/batches.md).
                "SET plan_cache_mode = force_generic_plan",
                # Where the server has LLVM, compiling a plan takes some hundred times as long as
                # running it, each time (docs/decisions/batches.md).
                "SET jit = off",
                *(statement.prepare for statement in all_prepared(statements.values())),
            ],
            connect_timeout=connect_timeout,
            deadline=deadline,
        )
        self._pool = Pool(sessions, pool_size, retry_pause=retry_pause, observer=self._observer)
        self._executor = Executor(self._pool, deadline)
        self._batches = Batches(self._executor, statements.values())

    def warm_up(self) -> None:
        """Open the pool's connections, as many as the time that connecting may take in all is for.

        Nothing is raised where the database cannot be reached: requests find that out.
        """
        self._pool.warm_up(self._connect_timeout)

    def fetch(self, statement: str, **parameters: Any) -> Row:
        """Return the row that the statement of that name answers with.

        Raises DatabaseBusyError when the pool is and stays empty; DatabaseUnreachableError and
        DatabaseTimeoutError within the deadline, once it has a connection; StatementError for what
        is not the database's state but a defect.
        """
        started = time.monotonic()
        try:
            row = self._fetch(self._statements[statement], parameters)
        except DatabaseError as error:
            self._observer.failed(statement, time.monotonic() - started, error)
            raise
        if started > self._seen[0]:
            self._seen = (started, row.load_number, row.load_digest)
        self._observer.answered(statement, time.monotonic() - started, row.load_number)
        return row

    def _fetch(self, statement: Statement, parameters: Mapping[str, Any]) -> Row:
        if is_shed():
            raise DatabaseBusyError(BUSY)
        values = tuple([parameters[name] for name, _ in statement.parameters])
        scheduler = waiting.scheduler()
        if scheduler is not None and statement.for_each is not None and self._executor.has_time():
            return self._batches.fetch(scheduler, statement, *values)
        return self._executor.run(lambda: (statement, values))[0]

    def in_one_deadline(self) -> AbstractContextManager[None]:
        """Have all fetches of a block take no longer than one may."""
        return deadline_within(self._deadline)

    def identity(self, max_age: float) -> tuple[int, str]:
        """Return number and digest of the load that is served, as of `max_age` seconds ago at most.

        Asks the database only when no statement has told it since. Raises as fetch does.
        """
        asked_at, number, digest = self._seen
        if time.monotonic() - asked_at > max_age:
            return self.fetch("check_ready")[:2]
        return number, digest

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()
