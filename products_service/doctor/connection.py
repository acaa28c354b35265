"""The examination's own connection to PostgreSQL, which only reads, and the only way to it.

Neither the service's pool nor a load's session: what is wrong with those is to be found out, and
the SQL of the service may only be what it serves.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

from products_service.libpq_url import SECRETS

# A server that does not answer is waited for longer than the service does, to find it slow
# rather than dead.
PATIENCE_S = 5


class SessionError(Exception):
    """PostgreSQL refused a statement or was lost; the message has no secrets."""


class UnreachableError(SessionError):
    """No session is to be had."""


class NotAllowedError(SessionError):
    """The session's role may not do that."""


class LockedError(SessionError):
    """Somebody else has what was to be looked at, and does not let go of it soon."""


@cache
def read_sql(name: str) -> str:
    """Return the text of products_service/doctor/sql/{name}.sql."""
    return resources.files("products_service.doctor").joinpath("sql", f"{name}.sql").read_text()


class Session:
    """One session, in autocommit; `connecting` is how many seconds it took to be let in."""

    def __init__(self, url: str):
        """Connect. Raises UnreachableError."""
        self._secrets = _secrets(url)
        started = time.monotonic()
        try:
            self._connection = psycopg2.connect(
                url,
                application_name="flask doctor",
                connect_timeout=PATIENCE_S,
                tcp_user_timeout=PATIENCE_S * 1000,
            )
        except psycopg2.Error as error:
            raise UnreachableError(self._hush(error)) from None
        self.connecting = time.monotonic() - started
        self._connection.autocommit = True
        try:
            self.run("begin_session")
        except SessionError as error:
            self.close()
            raise UnreachableError(str(error)) from None

    @property
    def place(self) -> str:
        """The server and database that let us in."""
        info = self._connection.info
        return f"database {info.dbname} on {info.host or 'this machine'}:{info.port}"

    def run(self, name: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run the statements of a file and return the rows of the last one.

        Raises NotAllowedError, LockedError, SessionError.
        """
        with self._translated(), self._connection.cursor() as cursor:
            cursor.execute(read_sql(name), parameters)
            return cursor.fetchall() if cursor.description else []

    def row(self, name: str, parameters: dict[str, Any] | None = None) -> tuple[Any, ...]:
        """Return the only row that a file's statement returns."""
        return self.run(name, parameters)[0]

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise our exceptions for psycopg2's."""
        try:
            yield
        except psycopg2.errors.InsufficientPrivilege as error:
            raise NotAllowedError(self._hush(error)) from None
        except psycopg2.errors.LockNotAvailable as error:
            raise LockedError(self._hush(error)) from None
        except psycopg2.Error as error:
            raise SessionError(self._hush(error)) from None

    def _hush(self, said: object) -> str:
        text = " ".join(str(said).split())
        for secret in self._secrets:
            text = secret.sub("***", text)
        return text


def _secrets(url: str) -> list[re.Pattern[str]]:
    """Return what of a URL, which the configuration has let through, nobody may read.

    Within a word it is not that secret, but a short one that is part of many.
    """
    parts = parse_dsn(url)
    secrets = [parts[name] for name in SECRETS if parts.get(name)]
    return [re.compile(rf"(?<!\w){re.escape(secret)}(?!\w)") for secret in secrets]
