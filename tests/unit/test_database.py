"""The way to PostgreSQL: what it answers, raises, opens and closes."""

from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from products_service.database import Row
from products_service.database.errors import (
    DatabaseBusyError,
    DatabaseUnreachableError,
    StatementError,
)
from products_service.statements import Statement
from tests.unit.opening import opened, terminate, wait_for_sessions
from tests.waiting import HANG


def test_fetch_returns_the_row(url: str) -> None:
    with opened(url) as database:
        assert database.fetch("echo", body="[1, 2]") == Row(7, "digest", "[1, 2]")
        assert database.fetch("echo", body=None) == Row(7, "digest", None)


def test_nothing_is_connected_before_the_first_fetch(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url) as database:
        wait_for_sessions(admin, 0, "true")
        database.fetch("echo", body="")
        wait_for_sessions(admin, 1, "true")
    wait_for_sessions(admin, 0, "true")


def test_session_that_cannot_be_prepared_is_closed(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    lacking = {"lacking": Statement("lacking", (), "SELECT 7, 'digest', body FROM nowhere")}
    with opened(url, lacking, retry_pause=0) as database:
        for _ in range(2):
            with pytest.raises(DatabaseUnreachableError, match='"nowhere" does not exist'):
                database.fetch("lacking")
        wait_for_sessions(admin, 0, "true")


def test_parameters_are_values_and_never_sql(url: str) -> None:
    with opened(url) as database:
        for text in ("'); DROP TABLE written; --", "%s", "%(body)s", "$1", "\\'"):
            assert database.fetch("echo", body=text).body == text


def test_empty_pool_is_busy(url: str, admin: "psycopg2.extensions.cursor") -> None:
    admin.execute("SELECT pg_advisory_lock(1)")
    with opened(url) as database, ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(database.fetch, "lock") for _ in range(2)]
        try:
            wait_for_sessions(admin, 2, "wait_event_type = 'Lock'")
            with pytest.raises(DatabaseBusyError):
                database.fetch("echo", body="")
        finally:
            admin.execute("SELECT pg_advisory_unlock(1)")
        for answer in waiting:
            assert answer.result(timeout=HANG).load_number == 7
        assert database.fetch("echo", body="").body == ""


def test_what_psycopg2_cannot_send_is_a_defect(url: str) -> None:
    with opened(url, pool_size=1) as database:
        with pytest.raises(StatementError, match="can't adapt"):
            database.fetch("echo", body=object())
        assert database.fetch("echo", body="x").body == "x"


def test_sessions_are_read_only(url: str) -> None:
    with opened(url) as database, pytest.raises(StatementError, match="read-only transaction"):
        database.fetch("write")


def test_plans_are_made_once_and_not_compiled(url: str) -> None:
    """Whatever the server's own settings are."""
    elsewhere = f"{url}&options=-c%20jit%3Don%20-c%20plan_cache_mode%3Dauto"
    with opened(elsewhere) as database:
        assert database.fetch("planning").body == "force_generic_plan off"


def test_failed_statement_is_a_defect_and_leaves_the_connection(url: str) -> None:
    with opened(url, pool_size=1) as database:
        session = database.fetch("session").body
        with pytest.raises(StatementError, match="division by zero"):
            database.fetch("divide", by=0)
        # No transaction was left open, which would refuse this.
        assert database.fetch("session").body == session


@pytest.mark.parametrize(
    ("code", "message"), [("40001", "conflict with recovery"), ("53100", "no space left on device")]
)
def test_what_the_servers_state_is_to_blame_for_is_no_defect(
    url: str, admin: "psycopg2.extensions.cursor", code: str, message: str
) -> None:
    """A standby's, whose changes the statement is in the way of; one's that has no room left."""
    admin.execute(
        "CREATE OR REPLACE FUNCTION fail() RETURNS text LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE SQLSTATE '{code}' USING MESSAGE = '{message}'; END $$"
    )
    statement = Statement("failing", (), "SELECT 7, 'digest', fail()")
    with (
        opened(url, {"failing": statement}) as database,
        pytest.raises(DatabaseUnreachableError, match=message),
    ):
        database.fetch("failing")


def test_replaced_connection_is_like_the_first(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url, statement_timeout=45, pool_size=1) as database:
        first = database.fetch("session").body.split()
        terminate(admin)
        second = database.fetch("session").body.split()
        assert second[0] != first[0]
        assert second[1:] == first[1:] == ["45s", "on"]
        # Autocommit: nothing is left open between two statements.
        wait_for_sessions(admin, 1, "state = 'idle' AND xact_start IS NULL")


def test_connection_lost_in_a_statement_is_replaced(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    admin.execute("SELECT pg_advisory_lock(1)")
    with opened(url, pool_size=1) as database, ThreadPoolExecutor(1) as thread:
        answer = thread.submit(database.fetch, "lock")
        try:
            wait_for_sessions(admin, 1, "wait_event_type = 'Lock'")
            terminate(admin)
            wait_for_sessions(admin, 1, "wait_event_type = 'Lock'")
        finally:
            admin.execute("SELECT pg_advisory_unlock(1)")
        assert answer.result(timeout=HANG).load_number == 7


def test_unreachable_server_is_named_in_the_error() -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    with opened(nowhere) as database:
        # also while it is not asked again
        for _ in range(2):
            with pytest.raises(DatabaseUnreachableError, match=r"^Connection refused"):
                database.fetch("echo", body="")
