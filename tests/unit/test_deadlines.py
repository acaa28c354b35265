"""What takes too long ends in time, and is judged by what time it had."""

import time

import psycopg2
import pytest
from psycopg2.extensions import get_wait_callback, set_wait_callback

from products_service.database import sessions
from products_service.database.deadlines import NoTimeLeftError, deadline_within
from products_service.database.errors import DatabaseTimeoutError, DatabaseUnreachableError
from products_service.database.sessions import Sessions
from products_service.statements import Statement
from tests.servers import Server
from tests.unit.asking import later_by
from tests.unit.opening import opened, terminate, wait_for_sessions
from tests.waiting import HANG


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


def test_deadline_ends_the_wait_and_the_connection_and_tells_of_the_server(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url, deadline=1, pool_size=1) as database:
        failed: list[int] = []
        database._pool._sessions._servers.mark_failed = failed.append
        session = database.fetch("session").body
        with pytest.raises(DatabaseTimeoutError, match=r"no answer within 1 s"):
            database.fetch("sleep", seconds=HANG)
        assert failed == [0]
        assert database.fetch("session").body != session
    terminate(admin)


def test_several_fetches_in_one_deadline(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(url, deadline=HANG, pool_size=1) as database:
        with database.in_one_deadline():
            database.fetch("echo", body="x")
            monkeypatch.setattr(time, "monotonic", later_by(HANG - 1))
            # it has no more than what the first one has left
            with pytest.raises(DatabaseTimeoutError):
                database.fetch("sleep", seconds=HANG)
        assert database.fetch("echo", body="x").load_number == 7


def test_what_time_a_request_has_left_says_nothing_of_the_server(url: str) -> None:
    with opened(url, deadline=HANG, pool_size=1) as database:
        failed: list[int] = []
        database._pool._sessions._servers.mark_failed = failed.append
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
        database._pool._sessions._servers.mark_failed = failed.append
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
        database._pool._sessions._servers.mark_failed = failed.append
        begun = []

        def begin() -> tuple[Statement, list[float]]:
            begun.append(True)
            return database._statements["sleep"], [HANG]

        with pytest.raises(DatabaseTimeoutError, match=f"no answer within {HANG} s"):
            database._executor.run(begin, time.monotonic() + given)
        assert (failed, bool(begun)) == ([], sent)
        assert database.fetch("echo", body="x").body == "x"


def test_who_has_no_time_left_harms_no_connection(
    url: str, admin: "psycopg2.extensions.cursor"
) -> None:
    with opened(url, pool_size=1, deadline=HANG) as database:
        before = database.fetch("session").body
        with (
            deadline_within(0),
            pytest.raises(DatabaseTimeoutError, match="what time the request had left"),
        ):
            database.fetch("session")
        assert database.fetch("session").body == before


def test_why_it_was_not_tried_to_connect_is_said(
    url: str, admin: "psycopg2.extensions.cursor", monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url, pool_size=1) as database:
        database.fetch("echo", body="")
        terminate(admin)
        monkeypatch.setattr(sessions, "LEAST", 2 * HANG)  # more than there is
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


def test_a_server_that_is_slow_to_let_us_in_is_not_lost(
    url: str, admin: "psycopg2.extensions.cursor", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that begins has no time for all of its connections, and cuts none of them off."""
    monkeypatch.setattr("products_service.database.pool.WARM_UP", HANG)
    open_on = Sessions._open_on

    def slowly(sessions: Sessions, number: int) -> psycopg2.extensions.connection:
        monkeypatch.setattr(time, "monotonic", later_by(0.3 * HANG))
        return open_on(sessions, number)

    monkeypatch.setattr(Sessions, "_open_on", slowly)
    with opened(url, pool_size=4) as database:
        database.warm_up()
        assert database._pool.last_error is None
        # a third one might not have had the time that the second one took
        wait_for_sessions(admin, 2, "true")


def test_a_worker_that_begins_has_all_its_connections(
    url: str, admin: "psycopg2.extensions.cursor", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("products_service.database.pool.WARM_UP", HANG)
    with opened(url, pool_size=3) as database:
        wait_for_sessions(admin, 0, "true")
        database.warm_up()
        wait_for_sessions(admin, 3, "true")
