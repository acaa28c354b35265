"""Statements that are told to stop."""

import os
import signal

from etl import interruption


class Connection:
    """Is cancelled as the second signal comes, which a terminal sends to whoever cancels too."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()

    def cancel(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.write(self._writing, b"cancelled")


def test_a_second_signal_does_not_end_who_cancels() -> None:
    connection = Connection()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    os.waitpid(interruption._cancel(connection), 0)
    os.set_blocking(connection.reading, False)
    assert os.read(connection.reading, 100) == b"cancelled"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
