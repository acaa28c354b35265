"""A server that is measured: its log is there for who looks for what failed, and only then."""

import sys
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.generators import Turn
from benchmarks.servers import HOST, Program, ask, free_port, plain_environment, running


def program(folder: Path, port: int, *arguments: str) -> Program:
    argv = [sys.executable, *(arguments or ("-m", "http.server", str(port), "--bind", HOST))]
    return Program(argv, plain_environment(), folder, folder / "server.log")


def test_its_log_goes_with_it(tmp_path: Path) -> None:
    port = free_port()
    served = program(tmp_path, port)
    with running(served, port, "/") as server:
        assert ask(server.port, "/nothing")[0] == 404
        assert "/nothing" in served.log.read_text("utf-8")
    assert not served.log.exists()


def test_its_log_stays_where_something_fails(tmp_path: Path) -> None:
    port = free_port()
    served = program(tmp_path, port)
    with pytest.raises(BenchmarkError, match="not one answer"), running(served, port, "/"):
        raise BenchmarkError("not one answer")
    assert "GET / " in served.log.read_text("utf-8")


def test_its_log_stays_where_an_answer_was_an_error(tmp_path: Path) -> None:
    port = free_port()
    served = program(tmp_path, port)
    with running(served, port, "/") as server:
        for errors in (0, 1, 0):
            assert server.watched(Turn(1, 1.0, errors, {}, {})).errors == errors
    assert "GET / " in served.log.read_text("utf-8")


def test_one_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    port = free_port()
    served = program(tmp_path, port, "-c", "raise SystemExit('no room')")
    with (
        pytest.raises(BenchmarkError, match="does not serve:\nno room"),
        running(served, port, "/"),
    ):
        pass
    assert served.log.exists()
