"""The way to PostgreSQL: what it answers, raises, opens and closes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2
import pytest
from psycopg2.extensions import get_wait_callback, set_wait_callback

from products_service import sessions
from products_service.database import (
    Database,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    Row,
    StatementError,
)
from products_service.database_events import DatabaseBusyError
from products_service.sessions import NoTimeLeftError, Sessions, deadline_within
from products_service.statements import (
    Statement,
)
from tests.servers import Server

# seconds; a limit on what hangs, not a promise
HANG = 60
OURS = "datname = current_database() AND application_name = 'products_service'"
STATEMENTS = {
    statement.name: statement
    for statement in [
        Statement("echo", (("body", "text"),), "SELECT 7, 'digest', $1 AS body"),
        Statement(
            "sleep", (("seconds", "float8"),), "SELECT 7, 'digest', pg_sleep($1)::text AS body"
        ),
        Statement("lock", (), "SELECT 7, 'digest', pg_advisory_xact_lock(1)::text AS body"),
        Statement("divide", (("by", "integer"),), "SELECT 7, 'digest', (1 / $1)::text AS body"),
        Statement(
            "session",
            (),
            "SELECT 7, 'digest', pg_backend_pid() || ' ' || current_setting('statement_timeout') "
            "|| ' ' || current_setting('default_transaction_read_only') AS body",
        ),
        Statement(
            "planning",
            (),
            "SELECT 7, 'digest', current_setting('plan_cache_mode') || ' ' || "
            "current_setting('jit') AS body",
        ),
        Statement(
            "write", (), "INSERT INTO written VALUES (1) RETURNING 7, 'digest', 'written' AS body"
        ),
    ]
}


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """An empty database with a table that anyone could write."""
    with closing(psycopg2.connect(server.url())) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE data_layer")
        url = server.url(database="data_layer")
        with closing(psycopg2.connect(url)) as inside, inside:
            inside.cursor().execute("CREATE TABLE written (number integer)")
        yield url
        cursor.execute("DROP DATABASE data_layer WITH (FORCE)")


@contextmanager
def opened(
    url: str, statements: dict[str, Statement] = STATEMENTS, **settings: float
) -> Iterator[Database]:
    """Yield a Database that is patient, but for what `settings` say."""
    callback = get_wait_callback()
    patient = {
        "pool_size": 2,
        "statement_timeout": HANG,
        "connect_timeout": HANG,
        "deadline": HANG,
        "retry_pause": HANG,
    }
    try:
        with closing(Database(url, statements, **(patient | settings))) as database:
            yield database
    finally:
        set_wait_callback(callback)


@pytest.fixture
def admin(url: str) -> Iterator["psycopg2.extensions.cursor"]:
    """A session beside the tested ones."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


def terminate(admin: "psycopg2.extensions.cursor") -> None:
    # One that is just ending by itself is told so in vain: what counts is that it is gone.
    admin.execute(
        f"SELECT pid, pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {OURS}"
    )
    told = [pid for pid, _ in admin.fetchall()]
    deadline = time.monotonic() + HANG
    while True:
        admin.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", (told,))
        if admin.fetchone() == (0,):
            return
        assert time.monotonic() < deadline


def wait_for_sessions(admin: "psycopg2.extensions.cursor", count: int, condition: str) -> None:
    deadline = time.monotonic() + HANG
    while True:
        admin.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND {condition}")
        if admin.fetchone() == (count,):
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


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
            with pytest.raises(DatabaseUnreachableError):
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


def test_statement_timeout(url: str) -> None:
    with opened(url, statement_timeout=0.5, pool_size=1) as database:
        session = database.fetch("session").body
        with pytest.raises(DatabaseTimeoutError, match="statement timeout"):
            database.fetch("sleep", seconds=HANG)
        assert database.fetch("session").body == session


def test_statement_timeout_after_a_lost_connection_runs_once(
    url: str, server: Server, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url, statement_timeout=0.5, pool_size=1) as database:
        database.fetch("session")
        terminate(admin)
        logged = len(server.log.read_text())
        with pytest.raises(DatabaseTimeoutError, match="statement timeout"):
            database.fetch("sleep", seconds=HANG)
    log = server.log.read_text()[logged:]
    assert log.count("canceling statement due to statement timeout") == 1


def test_deadline_ends_the_wait_and_the_connection(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url, deadline=1, pool_size=1) as database:
        session = database.fetch("session").body
        with pytest.raises(DatabaseTimeoutError, match=r"no answer within 1 s"):
            database.fetch("sleep", seconds=HANG)
        assert database.fetch("session").body != session
    terminate(admin)


def test_several_fetches_in_one_deadline(url: str) -> None:
    with opened(url, deadline=3, pool_size=1) as database:
        with database.in_one_deadline():
            database.fetch("sleep", seconds=1.8)
            # it has no more than what the first one has left
            with pytest.raises(DatabaseTimeoutError):
                database.fetch("sleep", seconds=1.8)
        assert database.fetch("sleep", seconds=1.8).load_number == 7


def test_what_time_a_request_has_left_says_nothing_of_the_server(url: str) -> None:
    with opened(url, deadline=HANG, pool_size=1) as database:
        failed: list[int] = []
        database._sessions._servers.failed = failed.append
        database.fetch("echo", body="x")  # connects, which may take longer
        with (
            deadline_within(1),
            pytest.raises(DatabaseTimeoutError, match="what time the request had left"),
        ):
            database.fetch("sleep", seconds=HANG)
        assert failed == []
        assert database.fetch("echo", body="x").body == "x"


def test_what_time_is_left_after_a_loss_says_nothing_of_the_next_server(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url, deadline=3, pool_size=1) as database:
        failed: list[int] = []
        database.fetch("session")
        database._sessions._servers.failed = failed.append
        terminate(admin)
        with pytest.raises(DatabaseTimeoutError, match="no answer within 3 s"):
            database.fetch("sleep", seconds=HANG)
    assert len(failed) == 1  # that of the session that was lost


@pytest.mark.parametrize(("given", "sent"), [(1, True), (-1, False)], ids=["little", "nothing"])
def test_what_time_a_batch_has_left_says_nothing_of_the_server_that_it_then_asks(
    url: str, given: float, sent: bool
) -> None:
    with opened(url, deadline=HANG, pool_size=1) as database:
        database.fetch("session")
        failed: list[int] = []
        database._sessions._servers.failed = failed.append
        begun = []

        def begin() -> tuple[Statement, list[float]]:
            begun.append(True)
            return database._statements["sleep"], [HANG]

        with pytest.raises(DatabaseTimeoutError, match="no answer within 60 s"):
            database._ask(begin, time.monotonic() + given)
        assert (failed, bool(begun)) == ([], sent)
        assert database.fetch("echo", body="x").body == "x"


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


def test_a_statement_that_is_in_the_way_everywhere_is_no_defect(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    admin.execute(
        "CREATE OR REPLACE FUNCTION recover() RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE SQLSTATE '40001' USING MESSAGE = 'conflict with recovery'; END $$"
    )
    statement = Statement("in_the_way", (), "SELECT 7, 'digest', recover()")
    with (
        opened(url, {"in_the_way": statement}) as database,
        pytest.raises(DatabaseUnreachableError, match="conflict with recovery"),
    ):
        database.fetch("in_the_way")


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


def test_statement_that_cannot_be_prepared_is_named_in_the_error(url: str) -> None:
    broken = Statement("broken", (), "SELECT 7, 'digest', body FROM missing")
    with (
        opened(url, {"broken": broken}) as database,
        pytest.raises(DatabaseUnreachableError, match='relation "missing" does not exist'),
    ):
        database.fetch("broken")


def test_who_has_no_time_left_harms_no_connection(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url, pool_size=1, deadline=HANG) as database:
        before = database.fetch("session").body
        with deadline_within(0), pytest.raises(DatabaseTimeoutError, match="time was over"):
            database.fetch("session")
        assert database.fetch("session").body == before


def test_why_it_was_not_tried_to_connect_is_said(
    url: str, admin: "psycopg2.extensions.cursor", monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url, pool_size=1) as database:
        database.fetch("echo", body="")
        terminate(admin)
        monkeypatch.setattr(sessions, "_LEAST", 2 * HANG)  # more than there is
        with (
            deadline_within(HANG),
            pytest.raises(DatabaseUnreachableError, match=r"^there is no time left to connect$"),
        ):
            database.fetch("echo", body="")


def test_who_has_no_time_left_does_not_try_to_connect(url: str) -> None:
    callback = get_wait_callback()
    sessions = Sessions(url, [], connect_timeout=HANG, deadline=HANG)
    try:
        with deadline_within(0.001), pytest.raises(NoTimeLeftError):
            sessions.open()
    finally:
        set_wait_callback(callback)
