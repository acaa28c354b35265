"""Sessions of the superuser's with a test's database, and those that the service has."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from tests.conftest import Database
from tests.waiting import HANG


@contextmanager
def session(database: Database) -> Iterator["psycopg2.extensions.cursor"]:
    """Yield a cursor of the superuser's, in autocommit."""
    with closing(connect(database.admin)) as connection:
        connection.autocommit = True
        yield connection.cursor()


@contextmanager
def catalogue_locked(database: Database) -> Iterator[None]:
    """Hold the lock that publishing takes, so that every statement of the service waits."""
    with closing(connect(database.admin)) as connection:
        connection.cursor().execute("LOCK TABLE catalogue.published_load IN ACCESS EXCLUSIVE MODE")
        yield


def connect(url: str) -> "psycopg2.extensions.connection":
    """Connect; nothing that is asked on the connection takes longer than what hangs.

    The limits of the service's role are not for tests on a slow machine.
    """
    options = f"-c statement_timeout={HANG}s -c idle_in_transaction_session_timeout=0"
    return psycopg2.connect(url, options=options, connect_timeout=HANG)


def count_waiting(database: Database) -> int:
    """Return how many of the service's sessions wait for a lock."""
    return count_sessions(database, "wait_event_type = 'Lock'")


def count_sessions(database: Database, condition: str = "true") -> int:
    """Return how many sessions of the service meet a condition on pg_stat_activity."""
    with session(database) as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            f"AND application_name = 'products_service' AND {condition}"
        )
        return cursor.fetchone()[0]
