"""The servers that tests throw away end with them, and can be frozen and killed."""

import shutil
import subprocess
import sys

from tests.embedded.user import ROOT
from tests.servers import alive, children, state, throwaway
from tests.waiting import wait_for


def test_a_throwaway_server_ends_with_its_parent():
    program = (
        "import os; from tests.servers import throwaway\n"
        "with throwaway() as server:\n"
        "    print(server.pid, server.folder, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    pid, folder = said.stdout.split()
    wait_for(lambda: not alive(int(pid)))
    shutil.rmtree(folder)


def test_a_throwaway_server_freezes_thaws_and_comes_back_from_a_kill():
    with throwaway() as server:
        server.freeze()
        assert {state(pid) for pid in [server.pid, *children(server.pid)]} <= {"T", "Z"}
        server.thaw()
        assert server.answers()
        server.kill()
        assert not server.answers()
        server.start()
        server.restart()
        assert server.answers()
        folder = server.folder
    assert not folder.exists()
