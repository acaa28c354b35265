"""libpq's pipeline mode, asked beside psycopg2."""

import select
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import get_wait_callback, set_wait_callback
from psycopg2.extras import wait_select

from products_service.database.libpq import Pipeline, PipelineError
from tests.servers import Server
from tests.waiting import HANG

PREPARE = """
PREPARE echo (text) AS SELECT $1, 1, NULL;
PREPARE divide (integer[]) AS SELECT 10 / by FROM unnest($1) AS by;
PREPARE leave AS SELECT pg_terminate_backend(pg_backend_pid());
PREPARE repeat (integer) AS SELECT repeat('x', $1) FROM generate_series(1, 3)
"""

Session = psycopg2.extensions.connection


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    """One whose socket does not block, with prepared statements."""
    callback = get_wait_callback()
    set_wait_callback(wait_select)
    try:
        with closing(psycopg2.connect(server.url())) as session:
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute(PREPARE)
            yield session
    finally:
        set_wait_callback(callback)


class Waits:
    """Waits for a session's socket, and counts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        assert select.select([self._session], [], [], HANG)[0]


def test_answers_come_in_the_order_in_which_statements_were_sent(session: Session) -> None:
    pipeline, wait = Pipeline(session), Waits(session)
    for text in ("first", "", "größer"):
        pipeline.send(b"echo", [text.encode()])
    assert [pipeline.receive(wait) for _ in range(3)] == [
        [(b"first", b"1", None)],
        [(b"", b"1", None)],
        [("größer".encode(), b"1", None)],
    ]
    assert wait.count


def test_rows_may_be_large_and_many(session: Session) -> None:
    pipeline = Pipeline(session)
    pipeline.send(b"repeat", [b"1000000"])
    assert pipeline.receive(Waits(session)) == [(b"x" * 1_000_000,)] * 3


def ready(session: Session, seen: list[int] | None = None) -> Callable[[int], None]:
    """Return what waits for a session's socket, and notes for what."""

    def wait(events: int) -> None:
        if seen is not None:
            seen.append(events)
        poll = select.poll()
        poll.register(session, events)
        assert poll.poll(HANG * 1000)

    return wait


def test_statements_are_run_each_for_itself(session: Session) -> None:
    pipeline = Pipeline(session)
    texts = [b"SET work_mem = '7MB'", b"PREPARE one AS SELECT 1", b"PREPARE two AS SELECT 2"]
    pipeline.run(texts, ready(session))
    pipeline.send(b"two", [])
    assert pipeline.receive(Waits(session)) == [(b"2",)]
    pipeline.leave()
    with session.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE name IN ('one', 'two')")
        assert {text.encode() for (text,) in cursor.fetchall()} == set(texts[1:])
        cursor.execute("SHOW work_mem")
        assert cursor.fetchall() == [("7MB",)]


def test_statements_that_are_run_need_not_fit_into_the_sockets_buffer(session: Session) -> None:
    seen: list[int] = []
    pipeline = Pipeline(session)
    pipeline.run([b"SET work_mem = '7MB' -- " + b"x" * 1_000_000] * 8, ready(session, seen))
    pipeline.leave()
    assert {select.POLLIN, select.POLLOUT} == set(seen)


def test_one_that_fails_of_those_that_are_run_is_told(session: Session) -> None:
    with pytest.raises(PipelineError, match='relation "nowhere" does not exist') as raised:
        Pipeline(session).run([b"PREPARE one AS TABLE nowhere", b"SELECT 1"], ready(session))
    assert raised.value.pgcode == "42P01"


def test_it_is_an_ordinary_session_again_afterwards(session: Session) -> None:
    pipeline = Pipeline(session)
    with pytest.raises(psycopg2.Error), session.cursor() as cursor:
        cursor.execute("SELECT 1")
    pipeline.send(b"divide", [b"{5,2}"])
    assert pipeline.receive(Waits(session)) == [(b"2",), (b"5",)]
    pipeline.leave()
    with session.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]


def test_it_is_not_left_before_all_is_received(session: Session) -> None:
    pipeline = Pipeline(session)
    pipeline.send(b"echo", [b"first"])
    with pytest.raises(PipelineError, match="cannot exit pipeline mode"):
        pipeline.leave()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [(b"divide", b"{5,0}", "22012"), (b"divide", b"{x}", "22P02"), (b"none", b"", "26000")],
)
def test_a_failure_has_its_code_and_is_that_of_one_statement(
    session: Session, name: bytes, value: bytes, code: str
) -> None:
    pipeline, wait = Pipeline(session), Waits(session)
    pipeline.send(name, [value])
    pipeline.send(b"divide", [b"{5}"])
    with pytest.raises(PipelineError) as raised:
        pipeline.receive(wait)
    assert raised.value.pgcode == code
    assert str(raised.value)
    assert "ERROR" not in str(raised.value)
    assert pipeline.receive(wait) == [(b"2",)]


def test_a_connection_that_is_lost_says_why(session: Session) -> None:
    pipeline, wait = Pipeline(session), Waits(session)
    pipeline.send(b"leave", [])
    pipeline.send(b"divide", [b"{5}"])
    with pytest.raises(PipelineError, match="terminating connection") as raised:
        pipeline.receive(wait)
    assert raised.value.pgcode == "57P01"
    with pytest.raises(PipelineError):
        pipeline.receive(wait)
    with pytest.raises(PipelineError):
        pipeline.send(b"divide", [b"{5}"])


def test_a_session_that_is_closed_is_refused(session: Session) -> None:
    session.close()
    with pytest.raises(PipelineError):
        Pipeline(session)
