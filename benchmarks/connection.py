"""The benchmarks' own connection to PostgreSQL, and the only way to it."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import parse_dsn

from products_service.statements import Statement

# The first finds out that the client was killed, also in the middle of a long statement; extensions
# that are put into the schema of the benchmark are found there; and statements have one plan for
# all values, which is not compiled, as in the service's sessions. No other setting of the planner
# is touched.
_OPTIONS = (
    "-c client_connection_check_interval=1000 -c statement_timeout=0 "
    "-c search_path=benchmark_index,public -c plan_cache_mode=force_generic_plan -c jit=off"
)

# How libpq's own programs and those of others are told of a server, in the environment.
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}

Found = TypeVar("Found")


class DatabaseError(Exception):
    """PostgreSQL cannot be reached, was lost, or refused a statement; the message tells."""


@cache
def read_sql(name: str) -> str:
    """Return the text of benchmarks/sql/{name}.sql."""
    return resources.files("benchmarks").joinpath("sql", f"{name}.sql").read_text("utf-8")


class Connection:
    """One session, in autocommit but for `undone`.

    It runs the files of benchmarks/sql by name, and statements of the service.
    """

    def __init__(self, url: str, options: str = _OPTIONS):
        """Connect, with these settings of the session's own. Raises DatabaseError."""
        with _translated():
            given = parse_dsn(url).get("options", "")
            self._connection = psycopg2.connect(
                url,
                application_name="flask bench",
                options=f"{given} {options}",
                connect_timeout=10,
            )
            self._connection.autocommit = True

    def run(
        self, name: str, parameters: dict[str, Any] | None = None, **identifiers: str
    ) -> list[tuple[Any, ...]]:
        """Run the statements of a file and return the rows of the last one.

        `identifiers` fill the file's {places}. Raises DatabaseError.
        """
        with _translated(), self._connection.cursor() as cursor:
            cursor.execute(_compose(read_sql(name), identifiers), parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, name: str, parameters: dict[str, Any] | None = None, **places: str) -> Any:
        """Return the first column of the only row that a file's statement returns."""
        return self.run(name, parameters, **places)[0][0]

    def prepare(self, statement: Statement) -> None:
        """Prepare a statement, and no other. Raises DatabaseError."""
        self.run("deallocate")
        with _translated(), self._connection.cursor() as cursor:
            cursor.execute(statement.prepare)

    def time(self, statement: Statement, arguments: Sequence[Any]) -> float:
        """Execute a prepared statement, read its row and return how long that took, in ms."""
        with _translated(), self._connection.cursor() as cursor:
            started = time.perf_counter()
            cursor.execute(statement.execute, arguments)
            cursor.fetchone()
            return (time.perf_counter() - started) * 1000

    def explain(
        self, statement: Statement, arguments: Sequence[Any], run: bool = False
    ) -> dict[str, Any]:
        """Return the plan of a prepared statement, as PostgreSQL's JSON; `run` it for figures."""
        how = "explain_analyze" if run else "explain"
        with _translated(), self._connection.cursor() as cursor:
            cursor.execute(read_sql(how) + statement.execute, arguments)
            return cursor.fetchone()[0][0]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Take back whatever is done inside."""
        self._connection.autocommit = False
        try:
            yield
        finally:
            if not self._connection.closed:
                with _translated():
                    self._connection.rollback()
                    self._connection.autocommit = True

    def interruptible(self, work: Callable[[], Found]) -> Found:
        """Return what `work`, which uses this connection, returns, or raise what it raises.

        In a thread: the driver waits for a statement deaf to signals, for minutes with some. So it
        is this thread that hears Ctrl-C, and then cancels whatever runs until `work` gives up.
        """
        with ThreadPoolExecutor(1) as threads:
            done = threads.submit(work)
            try:
                return done.result()
            finally:
                while not done.done():
                    with _translated():
                        self._connection.cancel()
                    wait([done], timeout=0.2)

    def close(self) -> None:
        """End the session; what it held goes with it."""
        self._connection.close()


def describe_server(url: str) -> dict[str, str]:
    """Return what bears on speed of a server, as sessions have it that set nothing of it.

    Raises DatabaseError.
    """
    with closing(Connection(url, options="")) as connection:
        return dict(connection.run("list_settings"))


def libpq_variables(url: str) -> dict[str, str]:
    """Return a libpq URL as the environment variables that lead to the same database."""
    parts = parse_dsn(url)
    return {_VARIABLES[name]: value for name, value in parts.items() if name in _VARIABLES}


def _compose(text: str, identifiers: dict[str, str]) -> Any:
    if not identifiers:
        return text
    names = {key: sql.Identifier(name) for key, name in identifiers.items()}
    return sql.SQL(text).format(**names)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise our exception for psycopg2's."""
    try:
        yield
    except (psycopg2.errors.InvalidSchemaName, psycopg2.errors.UndefinedTable):
        raise DatabaseError(
            "the database is not migrated: run `flask db upgrade`, then `flask etl load FOLDER`"
        ) from None
    except psycopg2.Error as error:
        raise DatabaseError(str(error).strip()) from error
