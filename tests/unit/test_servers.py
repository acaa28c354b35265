"""Which of several servers is asked."""

import time
from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2.extensions import get_wait_callback, set_wait_callback

from products_service.database import servers as servers_module
from products_service.database.deadlines import (
    DEADLINE,
    DeadlinePassedError,
    NoTimeLeftError,
    deadline_within,
)
from products_service.database.servers import Servers
from products_service.database.sessions import Sessions, servers_of

CONNECT_TIMEOUT = 60  # seconds


def test_servers_take_turns() -> None:
    servers = Servers(3)
    turns = [servers.in_turn()[0] for _ in range(300)]
    assert all(sorted(turn) == [0, 1, 2] for turn in turns)
    assert {[turn[0] for turn in turns].count(number) for number in range(3)} == {100}


def test_each_process_begins_with_another() -> None:
    assert {Servers(2).in_turn()[0][0] for _ in range(64)} == {0, 1}


def test_the_primary_comes_after_the_standbys_and_before_those_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    servers = Servers(4)
    servers.mark_primary(0)
    servers.mark_failed(2)
    turns = [servers.in_turn() for _ in range(10)]
    assert [first[0] for first, _ in turns].count(1) == 5
    assert {tuple(then) for _, then in turns} == {(0, 2)}
    now += servers_module.FAILED_FOR
    assert [servers.in_turn()[0][0] for _ in range(9)].count(2) == 3
    now += servers_module.PRIMARY_FOR
    assert servers.in_turn()[1] == []


def test_where_all_have_failed_they_are_tried_in_turn_and_the_primary_last() -> None:
    servers = Servers(3)
    servers.mark_primary(0)
    for number in range(3):
        servers.mark_failed(number)
    turns = [servers.in_turn() for _ in range(10)]
    assert {(tuple(first), then[-1]) for first, then in turns} == {((), 0)}
    assert [then[0] for _, then in turns].count(1) == 5


class Standby:
    """As much of a session as tells that it is with a standby."""

    def get_parameter_status(self, name: str) -> str:
        return {"in_hot_standby": "on"}[name]


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    """With three servers, none of which there is."""
    callback = get_wait_callback()
    url = "postgresql://a,b,c/x?target_session_attrs=prefer-standby"
    yield Sessions(url, [], connect_timeout=CONNECT_TIMEOUT, deadline=60)
    set_wait_callback(callback)


def test_a_server_that_cannot_prepare_the_statements_is_left_out(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def open_on(number: int) -> Standby:
        opened.append(number)
        if number == 0:
            raise psycopg2.errors.UndefinedTable
        return Standby()

    monkeypatch.setattr(sessions, "_open_on", open_on)
    for _ in range(4):
        assert isinstance(sessions.open(), Standby)
    assert opened.count(0) == 1


@pytest.fixture
def given(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that each attempt has had: every server is silent."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    given: list[float] = []

    def be_silent(number: int) -> Standby:
        nonlocal now
        given.append(DEADLINE.get() - now)
        now = DEADLINE.get()
        raise DeadlinePassedError

    monkeypatch.setattr(sessions, "_open_on", be_silent)
    return given


def test_all_attempts_together_have_the_time_to_connect(
    sessions: Sessions, given: list[float]
) -> None:
    with deadline_within(2 * CONNECT_TIMEOUT), pytest.raises(DeadlinePassedError):
        sessions.open()
    assert given == [CONNECT_TIMEOUT / 2, CONNECT_TIMEOUT / 4, CONNECT_TIMEOUT / 4]


def test_no_server_is_judged_by_what_is_too_little_to_connect(
    sessions: Sessions, given: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[int] = []
    monkeypatch.setattr(sessions._servers, "mark_failed", failed.append)
    with deadline_within(0.12), pytest.raises(NoTimeLeftError):
        sessions.open()
    assert given == pytest.approx([0.06, 0.03, 0.03])
    assert len(failed) == 1


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("postgresql://a/x", [{}]),
        ("postgresql://a,b/x", [{}]),
        ("postgresql://a/x?target_session_attrs=prefer-standby", [{}]),
        (
            "postgresql://a:1,b:2/x?target_session_attrs=prefer-standby",
            [
                {"host": "a", "port": "1", "target_session_attrs": "any"},
                {"host": "b", "port": "2", "target_session_attrs": "any"},
            ],
        ),
        (
            "postgresql://a,b/x?hostaddr=10.0.0.1,10.0.0.2&target_session_attrs=prefer-standby",
            [
                {
                    "host": host,
                    "hostaddr": address,
                    "port": "",
                    "target_session_attrs": "any",
                }
                for host, address in (("a", "10.0.0.1"), ("b", "10.0.0.2"))
            ],
        ),
        (
            "hostaddr=10.0.0.1,10.0.0.2 target_session_attrs=prefer-standby",
            [
                {"hostaddr": address, "target_session_attrs": "any"}
                for address in ("10.0.0.1", "10.0.0.2")
            ],
        ),
        (
            "host=/a,/b target_session_attrs=prefer-standby",
            [
                {"host": "/a", "target_session_attrs": "any"},
                {"host": "/b", "target_session_attrs": "any"},
            ],
        ),
    ],
)
def test_servers_are_told_apart_where_standbys_are_preferred(
    url: str, servers: list[dict[str, str]]
) -> None:
    assert servers_of(url) == servers
