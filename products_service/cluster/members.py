"""The processes of a cluster, and who looks after them: started, watched, started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from products_service.leash import leashed
from products_service.signals import STOP_SECONDS

# How long one sees what became of a process before it is started again.
PAUSE_SECONDS = 1
LOOK_SECONDS = 0.1
ASK_SECONDS = 2


class Member:
    """A program of the cluster: a process that leads a group of its own, and answers at `address`.

    It ends with the thread that started it. `say` is told in a few words what becomes of it;
    `serves` is whether it has answered since it was started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        address: tuple[str, int],
        stop_signal: signal.Signals,
        say: Callable[[str], None],
    ):
        self._argv = argv
        self._environ = environ
        self._log = log
        self._address = address
        self._stop_signal = stop_signal
        self._say = say
        self._process: subprocess.Popen | None = None
        self._ended_at: float | None = None
        self.serves = False

    def look_after(self) -> None:
        """Start it if it is time to, and say so when it serves or has ended."""
        if self._process is None:
            self._start()
        elif self._ended_at is not None:
            if time.monotonic() > self._ended_at + PAUSE_SECONDS:
                self._bury()
                self._start()
        elif end := self._find_end():
            self._ended_at = time.monotonic()
            self.serves = False
            self._signal_group(signal.SIGTERM)
            self._say(f"{end}; starts again in {PAUSE_SECONDS} s; its log is {self._log}")
        elif not self.serves and ask(self._address, "/live")[0] == 200:
            self.serves = True
            self._say(f"serves, as process {self._process.pid}")

    def begin_stop(self) -> None:
        """Tell it to end in order."""
        # not send_signal, which buries what has ended: finish_stop is to find it
        if self._process is not None and not self._find_end():
            os.kill(self._process.pid, self._stop_signal)

    def finish_stop(self, deadline: float) -> None:
        """Wait until it has ended, and make it end if it has not by then (time.monotonic)."""
        if self._process is None:
            return
        while not self._find_end() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS / 5)
        self._bury()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                leashed(self._argv, self._stop_signal),
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches us alone
                start_new_session=True,
            )
        self._ended_at = None

    def _find_end(self) -> str | None:
        """Return how it ended, if it has. Its number stays its own until it is buried."""
        found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return None
        if found.si_code == os.CLD_EXITED:
            return f"ended with status {found.si_status}"
        return f"was ended by {signal.Signals(found.si_status).name}"

    def _bury(self) -> None:
        """Leave nothing of it, nor of what it had started."""
        self._signal_group(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def look_after(members: Sequence[Member], until: Callable[[], bool]) -> None:
    """Have the members run, until something is so or an exception ends it."""
    while not until():
        for member in members:
            member.look_after()
        time.sleep(LOOK_SECONDS)


def stop(members: Sequence[Member]) -> None:
    """End the members, all at once."""
    for member in members:
        member.begin_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for member in members:
        member.finish_stop(deadline)


def ask(address: tuple[str, int], path: str) -> tuple[int, bytes]:
    """Return status and body of an answer; status 0 where there is none."""
    connection = HTTPConnection(*address, timeout=ASK_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()
