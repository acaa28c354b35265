"""Run a program that is sent a signal when the process that started it is gone, however it went.

Run as a script, by its path, so that the program starts without importing the service:
`python leash.py SIGNAL PARENT UID GID PROGRAM ARGUMENTS...`, where UID and GID are -1 for our own.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def leashed(argv: Sequence[str], death: signal.Signals, uid: int = -1, gid: int = -1) -> list[str]:
    """Return the command that runs `argv` and sends it `death` when the calling thread is gone.

    It must be started by the process that asks for it. `uid` and `gid` switch the account, with no
    further groups, which only root may ask for.
    """
    numbers = [str(int(death)), str(os.getpid()), str(uid), str(gid)]
    return [sys.executable, "-I", "-S", __file__, *numbers, *argv]


def follow_parent(death: signal.Signals) -> None:
    """Have `death` sent to ourselves when the process that started us is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death, 0, 0, 0)


def main() -> None:
    """Put on the leash and become the program."""
    death, parent, uid, gid = map(int, sys.argv[1:5])
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # after the change of account: that clears the signal
    follow_parent(signal.Signals(death))
    if os.getppid() != parent:
        sys.exit("leash: the parent is gone already")
    os.execvp(sys.argv[5], sys.argv[5:])  # noqa: S606


if __name__ == "__main__":
    main()
