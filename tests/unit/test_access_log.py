"""Lines of the log that wait for a moment are written whole, in order, and none is lost."""

import os
import select
from collections.abc import Iterator

import pytest

from products_service import later
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


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What may wait does, until it is asked for."""
    monkeypatch.setattr(later, "_arrange", lambda: None)
    yield
    later.do_due()


def test_line_is_written_at_once_where_nothing_waits(pipe: Pipe) -> None:
    Lines().write("first")
    assert pipe.read() == b"first\n"


@pytest.mark.usefixtures("waiting")
def test_lines_wait_for_a_moment(pipe: Pipe) -> None:
    lines = Lines()
    lines.write("first")
    lines.write("second")
    assert pipe.read() is None
    later.do_due()
    assert pipe.read() == b"first\nsecond\n"
    later.do_due()
    assert pipe.read() is None


@pytest.mark.usefixtures("waiting")
def test_no_more_wait_than_a_pipe_takes_in_one_piece(pipe: Pipe) -> None:
    lines = Lines()
    written = [f"{number:02}" + "x" * 997 for number in range(10)]
    pieces = []
    for line in written:
        lines.write(line)
        pieces.append(pipe.read())
    later.do_due()
    pieces.append(pipe.read())
    assert b"".join(filter(None, pieces)).decode().splitlines() == written
    sizes = [len(piece) for piece in pieces if piece]
    assert 3 * 1000 <= max(sizes) <= select.PIPE_BUF


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(("size", "pieces"), [(select.PIPE_BUF - 1, 1), (select.PIPE_BUF, 2)])
def test_a_piece_is_as_long_as_a_pipe_takes(pipe: Pipe, size: int, pieces: int) -> None:
    lines = Lines()
    lines.write("x" * (size // 2))
    lines.write("x" * (size - size // 2 - 1))
    assert (pipe.read() is None) == (pieces == 1)
    later.do_due()


@pytest.mark.usefixtures("waiting")
def test_line_that_is_longer_is_written_all_the_same(pipe: Pipe) -> None:
    lines = Lines()
    lines.write("short")
    lines.write("x" * 2 * select.PIPE_BUF)
    later.do_due()
    assert pipe.read() == b"short\n" + b"x" * 2 * select.PIPE_BUF + b"\n"
