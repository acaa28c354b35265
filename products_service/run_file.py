"""A file by which others find a running program: its process, and a flag that they may raise.

The program holds a lock on it, which the kernel takes back however the program ends: what a killed
one left behind is never taken for a running one.
"""

import fcntl
import mmap
import os
import time
from pathlib import Path

LOWERED, RAISED = b"0", b"1"
# Kept for as long as the process lives: with any descriptor of a file that it closes, also the
# one inside a map, its lock on the file is gone.
_held: list[mmap.mmap] = []
# Longer than who looks for the holder has the lock.
PATIENCE_SECONDS = 1


class HeldError(Exception):
    """A program that runs holds the file."""


def hold(path: Path) -> mmap.mmap:
    """Hold the file for as long as this process lives, and return the flag: a byte, LOWERED.

    Processes that are forked later share the flag, not the lock. Raises HeldError, and OSError,
    also for a link, which would lead us to a file of somebody else's choice.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            raise HeldError(f"a program that runs holds {path}")
        time.sleep(0.05)
    # Who held it before is not to be taken for us. The byte stays: workers of a killed host, which
    # have it in a map, would end of a bus error.
    os.ftruncate(descriptor, 1)
    text = LOWERED + b"%d\n" % os.getpid()
    os.pwrite(descriptor, text, 0)
    _held.append(mmap.mmap(descriptor, 1))
    return _held[-1]


def find_holder(path: Path) -> int | None:
    """Return the process that holds the file. Not for the holder itself, which would let go."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        # shared, so that two who look do not take each other for the holder
        if _lock(descriptor, fcntl.LOCK_SH):
            return None
        text = os.pread(descriptor, 32, 1)
        return int(text) if text else None  # it has only begun to hold it
    finally:
        os.close(descriptor)


def raise_flag(path: Path) -> None:
    """Raise the flag, which the holder and what it forked see at once."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        os.pwrite(descriptor, RAISED, 0)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    """Take the lock of the process on the file, if nobody has one that rules it out."""
    try:
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
