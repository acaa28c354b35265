"""Lines of the log are written whole, in order, and none is lost."""

import os
import select
from collections.abc import Iterator
from contextlib import suppress

import pytest

from products_service.web import access_log
from products_service.web.access_log import write


class Pipe:
    """Where lines are written, instead of standard error; in packets, so that pieces show."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe2(os.O_DIRECT | os.O_NONBLOCK)

    def pieces(self) -> list[bytes]:
        """Return what was written since the last time; what is beyond PIPE_BUF is several."""
        pieces = []
        with suppress(BlockingIOError):
            while True:
                pieces.append(os.read(self.reading, 65536))
        return pieces


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    pipe = Pipe()
    monkeypatch.setattr(access_log, "STDERR", pipe.writing)
    yield pipe
    os.close(pipe.reading)
    os.close(pipe.writing)


def test_lines_are_written_together(pipe: Pipe) -> None:
    write(["first", "second"])
    assert pipe.pieces() == [b"first\nsecond\n"]


def test_nothing_is_written_of_nothing(pipe: Pipe) -> None:
    write([])
    assert pipe.pieces() == []


def test_no_piece_is_longer_than_a_pipe_takes_at_once(pipe: Pipe) -> None:
    lines = [f"{number:02}" + "x" * 997 for number in range(10)]
    write(lines)
    pieces = pipe.pieces()
    assert b"".join(pieces).decode().splitlines() == lines
    assert [len(piece) // 1000 for piece in pieces] == [4, 4, 2]


@pytest.mark.parametrize(("size", "pieces"), [(select.PIPE_BUF, 1), (select.PIPE_BUF + 1, 2)])
def test_a_piece_is_as_long_as_a_pipe_takes(pipe: Pipe, size: int, pieces: int) -> None:
    write(["x" * (size // 2 - 1), "x" * (size - size // 2 - 1)])
    written = pipe.pieces()
    assert len(written) == pieces
    assert len(b"".join(written)) == size


def test_line_that_is_longer_is_written_all_the_same(pipe: Pipe) -> None:
    write(["short", "x" * 2 * select.PIPE_BUF])
    assert b"".join(pipe.pieces()) == b"short\n" + b"x" * 2 * select.PIPE_BUF + b"\n"
