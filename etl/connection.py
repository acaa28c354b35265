"""The load's own connection to PostgreSQL, and the only way to it."""

import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from typing import Any, Protocol

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import parse_dsn
from psycopg2.extras import Json

from etl.errors import EtlError
from etl.interruption import interruptible

__all__ = ["Connection", "DatabaseError", "Json", "LockTimeoutError", "ViolationError"]

# A server that sees the client die gives back the lock and the space; in the middle of an index
# it would not look for minutes, and of one that vanished it would not hear for hours.
_OPTIONS = (
    "-c client_connection_check_interval=1000 -c statement_timeout=0 -c tcp_keepalives_idle=60 "
    "-c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
# The same for us. No tcp_user_timeout: a server that is busy with its disk may leave COPY waiting.
_KEEPALIVES = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 3}  # seconds
# Of each server; a URL may say otherwise.
_CONNECT_TIMEOUT = 10  # seconds
# Rows of a stream that are held at a time.
_STREAMED = 10_000
_LOST = "the connection to PostgreSQL was lost"
_NOT_MIGRATED = "the database is not migrated: run `flask db upgrade`"
_VIOLATIONS = (psycopg2.errors.UniqueViolation, psycopg2.errors.ForeignKeyViolation)


class DatabaseError(EtlError):
    """PostgreSQL cannot be reached, was lost, or refused a statement; the message tells."""


class ViolationError(DatabaseError):
    """A key or foreign key does not hold."""


class LockTimeoutError(DatabaseError):
    """A lock was not to be had within lock_timeout."""


class Readable(Protocol):
    """What COPY reads from."""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end."""


@cache
def read_sql(name: str) -> str:
    """Return the text of etl/sql/{name}.sql."""
    return resources.files("etl").joinpath("sql", f"{name}.sql").read_text("utf-8")


@cache
def read_parts(name: str) -> tuple[str, ...]:
    """Return what empty lines part in etl/sql/{name}.sql, each with its comment."""
    return tuple(read_sql(name).strip().split("\n\n"))


class Connection:
    """One session, in autocommit but for `transaction`. It runs the files of etl/sql by name."""

    def __init__(self, url: str):
        """Connect. Raises DatabaseError."""
        with _translated(), _advised():
            given = parse_dsn(url)
            self._connection = psycopg2.connect(
                url,
                application_name="flask etl",
                options=f"{given.get('options', '')} {_OPTIONS}",
                connect_timeout=given.get("connect_timeout", _CONNECT_TIMEOUT),
                client_encoding="UTF8",  # as the cleaned files are, whatever PGCLIENTENCODING says
                **_KEEPALIVES,
            )
            self._connection.autocommit = True

    @property
    def encoding(self) -> str:
        """The encoding in which the database keeps texts."""
        return self._connection.get_parameter_status("server_encoding")

    def run(
        self, name: str, parameters: dict[str, Any] | None = None, **identifiers: Any
    ) -> list[tuple[Any, ...]]:
        """Run the statements of a file and return the rows of the last one.

        `identifiers` fill the file's {places}: a name, the parts of one, or a list of these. Raises
        DatabaseError.
        """
        with _translated(), interruptible(), self._connection.cursor() as cursor:
            cursor.execute(_compose(read_sql(name), identifiers), parameters)
            return cursor.fetchall() if cursor.description else []

    def run_part(self, name: str, part: int, **identifiers: str) -> None:
        """Run one part of a file alone, counted as `read_parts` has them. Raises DatabaseError."""
        with _translated(), interruptible(), self._connection.cursor() as cursor:
            cursor.execute(_compose(read_parts(name)[part], identifiers))

    def value(self, name: str, parameters: dict[str, Any] | None = None, **places: Any) -> Any:
        """Return the first column of the only row that a file's statement returns."""
        return self.run(name, parameters, **places)[0][0]

    def stream(self, name: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a file's query, a few thousand held at a time, in a transaction."""
        with self._connection.cursor(name=name) as cursor:
            with _translated(), interruptible():
                cursor.execute(read_sql(name))
            while True:
                with _translated(), interruptible():
                    rows = cursor.fetchmany(_STREAMED)
                if not rows:
                    return
                yield from rows

    def copy(self, name: str, source: Readable, **identifiers: Any) -> int:
        """Run a file's COPY FROM STDIN over `source` and return the number of rows copied."""
        try:
            with _translated(), _hushed(), self._connection.cursor() as cursor:
                cursor.copy_expert(_compose(read_sql(name), identifiers), source, size=1 << 16)
                return cursor.rowcount
        except DatabaseError:
            if self._connection.closed:
                raise DatabaseError(_LOST) from None
            raise

    def require_catalogue(self) -> None:
        """Raise DatabaseError where the database is not migrated, as far as a load relies on it."""
        if not self.value("find_catalogue"):
            raise DatabaseError(_NOT_MIGRATED)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is run inside, or nothing of it when it raises.

        Inside another transaction it is part of that one.
        """
        if not self._connection.autocommit:
            yield
            return
        self._connection.autocommit = False
        try:
            yield
            with _translated(), interruptible():
                self._connection.commit()
        finally:
            if not self._connection.closed:
                with _translated(), interruptible():
                    self._connection.rollback()
                    self._connection.autocommit = True

    def abandon(self) -> None:
        """End the session from another thread, whatever it is doing: that fails then."""
        with socket.socket(fileno=os.dup(self._connection.fileno())) as ours:
            ours.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the session; what it held goes with it, and its locks at once."""
        if not self._connection.closed:
            with suppress(DatabaseError):
                self.run("unlock")
        self._connection.close()


def _compose(text: str, identifiers: dict[str, Any]) -> Any:
    if not identifiers:
        return text
    return sql.SQL(text).format(**{key: _identifier(name) for key, name in identifiers.items()})


def _identifier(name: str | tuple[str, ...] | list[Any]) -> sql.Composable:
    """Return a name, a qualified one, or a list of either."""
    if isinstance(name, list):
        return sql.SQL(", ").join(map(_identifier, name))
    return sql.Identifier(*name) if isinstance(name, tuple) else sql.Identifier(name)


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep psycopg2 from printing: one that loses its connection while it copies stumbles over
    its own second error, and shows that instead of the first."""
    hook, sys.excepthook = sys.excepthook, lambda *_: None
    try:
        yield
    finally:
        sys.excepthook = hook


@contextmanager
def _advised() -> Iterator[None]:
    """Say what to do where the server does not know the role, as one that is not migrated."""
    try:
        yield
    except psycopg2.OperationalError as error:
        if re.search(r'role "products_\w+" does not exist', str(error)):
            raise DatabaseError(_NOT_MIGRATED) from error
        raise


@contextmanager
def _translated() -> Iterator[None]:
    """Raise our exceptions for psycopg2's."""
    try:
        yield
    except _VIOLATIONS as error:
        raise ViolationError(str(error).strip()) from error
    except psycopg2.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"{error.diag.message_primary}: the role that ETL_DATABASE_URL names has to be allowed "
            "what a load takes (docs/operations.md, On a PostgreSQL of your own)"
        ) from error
    except psycopg2.errors.ReadOnlySqlTransaction as error:
        raise DatabaseError(
            f"{error.diag.message_primary}: this session only reads, as those with a standby do. "
            "Set ETL_DATABASE_URL to the primary, without default_transaction_read_only"
        ) from error
    except psycopg2.errors.LockNotAvailable as error:
        raise LockTimeoutError(str(error).strip()) from error
    except psycopg2.errors.SequenceGeneratorLimitExceeded as error:
        raise DatabaseError(
            f"{error.diag.message_primary}: merged rows have used up all places; make a whole "
            "load, which begins at 1 again"
        ) from error
    except psycopg2.Error as error:
        # psycopg2 may have no words for a connection that it finds lost, as while it commits
        message = str(error).strip().replace("unknown error", "")
        raise DatabaseError(message or _LOST) from error
