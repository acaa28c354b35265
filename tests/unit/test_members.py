"""The members of a cluster are stopped in order, whatever became of them meanwhile."""

import os
import signal
import time
from pathlib import Path

from products_service.cluster.members import Member, stop

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
