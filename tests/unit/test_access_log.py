"""Lines of the log that are kept for a moment are written whole, in order, and none is lost."""

import os
import select
from collections.abc import Iterator

import pytest

from products_service.web import access_log
from products_service.web.access_log import Lines


class Pipe:
    """Where lines are written, instead of standard error."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)

    def read(self) -> bytes | None:
        """Return what was written since the last time."""
        try:
            return os.read(self.reading, 65536)
        except BlockingIOError:
            return None


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    pipe = Pipe()
    monkeypatch.setattr(access_log, "STDERR", pipe.writing)
    yield pipe
    os.close(pipe.reading)
    os.close(pipe.writing)


def test_lines_are_kept_until_flushed(pipe: Pipe) -> None:
    lines = Lines()
    lines.write("first")
    lines.write("second")
    assert pipe.read() is None
    lines.flush()
    assert pipe.read() == b"first\nsecond\n"
    lines.flush()
    assert pipe.read() is None


def test_no_more_are_kept_than_a_pipe_takes_in_one_piece(pipe: Pipe) -> None:
    lines = Lines()
    written = [f"{number:02}" + "x" * 997 for number in range(10)]
    pieces = []
    for line in written:
        lines.write(line)
        pieces.append(pipe.read())
    lines.flush()
    pieces.append(pipe.read())
    assert b"".join(filter(None, pieces)).decode().splitlines() == written
    assert max(len(piece) for piece in pieces if piece) <= select.PIPE_BUF


def test_line_that_is_longer_is_written_all_the_same(pipe: Pipe) -> None:
    lines = Lines()
    lines.write("short")
    lines.write("x" * 2 * select.PIPE_BUF)
    lines.flush()
    assert pipe.read() == b"short\n" + b"x" * 2 * select.PIPE_BUF + b"\n"
