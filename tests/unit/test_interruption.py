"""Statements that are told to stop."""

import os
import signal
from collections.abc import Iterator

import pytest

from etl import interruption


class Connection:
    """Is cancelled as the second signal comes, which a terminal sends to whoever cancels too."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def cancel(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.write(self._pipe, b"cancelled")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for end in ends:
        os.close(end)


def blocked() -> set[signal.Signals]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_second_signal_does_not_end_who_cancels(pipe: tuple[int, int]) -> None:
    before = blocked()
    os.waitpid(interruption._cancel(Connection(pipe[1])), 0)
    assert os.read(pipe[0], 100) == b"cancelled"
    assert blocked() == before


def test_signals_come_where_there_is_no_room_for_who_cancels(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> int:
        raise BlockingIOError

    before = blocked()
    monkeypatch.setattr(os, "fork", full)
    with pytest.raises(BlockingIOError):
        interruption._cancel(Connection(pipe[1]))
    assert blocked() == before
