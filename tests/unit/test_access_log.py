"""Lines of the log say what they are to say, are written whole, in order, and none is lost."""

import json
import os
import select
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from products_service.web import access_log
from products_service.web.access_log import to_json, to_text, write
from products_service.web.edge import Exchange

EXCHANGE = Exchange(
    {"REQUEST_METHOD": "GET", "RAW_URI": '/products/5?q="%C3%A4"'},
    request_id="an-id",
    route="/products/<id:product_id>",
    status=200,
    headers=[("Content-Type", "application/json"), ("Content-Length", "1234")],
    seconds=1.25,
    statement_seconds=0.0125,
    ended_at=1_700_000_000_009_999_999,  # 2023-11-14, a little before the 10th millisecond
)


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


def test_line_as_json() -> None:
    assert json.loads(to_json(EXCHANGE)) == {
        "timestamp": "2023-11-14T22:13:20.009+00:00",
        "level": "info",
        "event": "request",
        "request_id": "an-id",
        "method": "GET",
        "path": '/products/5?q="%C3%A4"',
        "route": "/products/<id:product_id>",
        "status": 200,
        "bytes": 1234,
        "duration_ms": 1250,
        "statement_ms": 12.5,
    }


def test_line_to_read() -> None:
    assert to_text(EXCHANGE) == (
        "2023-11-14T22:13:20.009+00:00 GET '/products/5?q=\"%C3%A4\"' 200 1234 bytes"
        " 1250.000 ms (statement 12.500 ms) an-id"
    )


@pytest.mark.parametrize(("changes", "size"), [({"status": 204}, 0), ({"headers": []}, None)])
def test_size_of_no_body_and_of_one_that_is_not_known(
    changes: dict[str, Any], size: int | None
) -> None:
    assert json.loads(to_json(EXCHANGE._replace(**changes)))["bytes"] == size


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
    assert all(piece.endswith(b"\n") for piece in written)


def test_line_that_is_longer_is_written_all_the_same(pipe: Pipe) -> None:
    write(["short", "x" * 2 * select.PIPE_BUF])
    assert b"".join(pipe.pieces()) == b"short\n" + b"x" * 2 * select.PIPE_BUF + b"\n"
