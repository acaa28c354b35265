"""What of a server is alive: found by its number and its folder, and by asking it."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from products_service.embedded.binaries import environment, switch, wheel_folder
from products_service.embedded.place import PORT, SUPERUSER, Place

# What pg_isready returns: sessions are let in; the server refuses them, as while it recovers from
# a crash. https://www.postgresql.org/docs/current/app-pg-isready.html
ACCEPTS, REFUSES = 0, 1
# How long a process may take to end: the kernel takes back its locks after its memory, from when on
# nothing tells what it ran.
ENDING_SECONDS = 1
# Whether process $1 runs PostgreSQL in folder $2.
LOOK = """
case "$(readlink "/proc/$1/exe")" in
    */postgres | */"postgres (deleted)") test "/proc/$1/cwd" -ef "$2" ;;
    *) false ;;
esac
"""


def ask(place: Place) -> int:
    """Return ACCEPTS, REFUSES, or another number where the server says nothing."""
    # with a name, or it would look for that of our account, which need not have one
    where = ("-h", place.sockets, "-p", str(PORT), "-U", SUPERUSER)
    asked = subprocess.run(
        [wheel_folder() / "bin" / "pg_isready", "-q", *where],
        env=environment(),
        check=False,
    )
    return asked.returncode


def listens(place: Place) -> bool:
    """Whether a server has the socket open, also one that is frozen."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        failed = probe.connect_ex(str(place.sockets / f".s.PGSQL.{PORT}"))
    return failed in (0, errno.EAGAIN)


def is_held(place: Place) -> bool:
    """Whether a process of the server lives, in whatever container: each holds a lock."""
    try:
        held = os.open(place.held, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(held)
    return False


def is_elsewhere(place: Place) -> bool:
    """Whether a server runs whose process we do not see, as that of another container.

    Its socket may not be in a folder that we have too. What a server has left that was killed here,
    we do see; but not what is just ending, of which its lock is left last.
    """
    latest = time.monotonic() + ENDING_SECONDS
    while postmaster(place) is None and not listens(place):
        if not is_held(place) or workers(place):
            return False
        if time.monotonic() > latest:
            return True
        time.sleep(0.02)
    return postmaster(place) is None


def pid_files(place: Place) -> tuple[Path, Path]:
    """Return the files that bar a second server from the data, and from the socket."""
    return place.data / "postmaster.pid", place.sockets / f".s.PGSQL.{PORT}.lock"


def recorded_pid(file: Path) -> int | None:
    """Return the number that the last server wrote down, whatever has it now."""
    try:
        return int(file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def postmaster(place: Place) -> int | None:
    """Return the server's process, or None if it is gone, though its file be left."""
    pid = recorded_pid(pid_files(place)[0])
    return pid if pid is not None and works_in(pid, place) else None


def workers(place: Place) -> list[int]:
    """Return every process of PostgreSQL's that works in the data."""
    everyone = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in everyone if works_in(pid, place)]


def works_in(pid: int, place: Place) -> bool:
    """Whether the process lives and is one of PostgreSQL's for these data: they all work there."""
    try:
        if Path(os.readlink(f"/proc/{pid}/exe")).name.partition(" ")[0] != "postgres":
            return False
        return os.path.samefile(f"/proc/{pid}/cwd", place.data)
    except PermissionError:
        return _sees(place, pid)
    except OSError:  # gone, or a zombie
        return False


def _sees(place: Place, pid: int) -> bool:
    """Whether the server's account finds the process to be one of its own.

    Root itself may not look where it lacks CAP_SYS_PTRACE, as in most containers.
    """
    if place.account is None:
        return False  # of an account that cannot be ours
    asked = subprocess.run(
        ["/usr/bin/env", "sh", "-c", LOOK, "sh", str(pid), place.data],
        cwd="/",
        stderr=subprocess.DEVNULL,
        check=False,
        **switch(place.account),
    )
    return asked.returncode == 0


def forget_stale_pids(place: Place) -> None:
    """Remove files whose number another program has by now, as after a restart of a container.

    PostgreSQL itself only sees that something lives under that number, and refuses to start, as it
    does where a loss of power has left a file empty. For who holds the lock.
    """
    for file in pid_files(place):
        if file.exists() and is_stale(recorded_pid(file), place):
            file.unlink(missing_ok=True)


def is_stale(pid: int | None, place: Place) -> bool:
    """Whether a recorded number, None if none can be read, stands in the way of nobody's server."""
    if pid is None:
        return not workers(place)  # one that starts may be about to write its number
    return os.path.exists(f"/proc/{pid}") and not works_in(pid, place)


def end_orphans(place: Place) -> None:
    """Tell sessions whose server was killed to end; a busy one notices only when it is done."""
    for pid in workers(place):
        if pid != recorded_pid(pid_files(place)[0]):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
