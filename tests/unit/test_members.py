"""The members of a cluster are stopped in order, whatever became of them meanwhile."""

import os
import signal
import time
from pathlib import Path

import pytest

from products_service.cluster import members
from products_service.cluster.members import Member, stop
from tests.servers import alive
from tests.waiting import wait_for

NOBODY_LISTENS = ("127.0.0.1", 9)


def test_one_that_has_just_ended_is_stopped_like_the_others(tmp_path: Path) -> None:
    said: list[str] = []
    ended, running = (
        Member(argv, os.environ, tmp_path / "log", NOBODY_LISTENS, signal.SIGTERM, said.append)
        for argv in (["true"], ["sleep", "600"])
    )
    ended.look_after()
    running.look_after()
    process = ended._process
    assert process is not None
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.01)
    stop([ended, running])
    assert (ended._process, running._process) == (None, None)


def test_one_that_does_not_end_is_made_to_with_all_that_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "STOP_SECONDS", 0.1)
    log = tmp_path / "log"
    argv = ["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait"]
    deaf = Member(argv, os.environ, log, NOBODY_LISTENS, signal.SIGTERM, print)
    deaf.look_after()
    asleep = int(wait_for(lambda: log.exists() and log.read_text().strip()))
    stop([deaf])
    assert deaf._process is None
    wait_for(lambda: not alive(asleep))
