"""What of a server is alive: found by its number and its folder, and by asking it."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from products_service.embedded.binaries import environment, wheel_folder
from products_service.embedded.place import PORT, Place


def answers(place: Place) -> bool:
    """Whether the server lets sessions in."""
    asked = subprocess.run(
        [wheel_folder() / "bin" / "pg_isready", "-q", "-h", place.sockets, "-p", str(PORT)],
        env=environment(),
        check=False,
    )
    return asked.returncode == 0


def recorded_pid(place: Place) -> int | None:
    """Return the number that the last server wrote down, whatever has it now."""
    try:
        return int((place.data / "postmaster.pid").read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def postmaster(place: Place) -> int | None:
    """Return the server's process, or None if it is gone, though its file be left."""
    pid = recorded_pid(place)
    return pid if pid is not None and works_in(pid, place.data) else None


def works_in(pid: int, data: Path) -> bool:
    """Whether the process lives and is one of PostgreSQL's for these data: they all work there."""
    if not os.path.isdir("/proc/self"):
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            return True
        return False
    try:
        if Path(os.readlink(f"/proc/{pid}/exe")).name.partition(" ")[0] != "postgres":
            return False
        return os.path.samefile(f"/proc/{pid}/cwd", data)
    except OSError:  # gone, or a zombie, or of an account that cannot be ours
        return False


def forget_stale_pid(place: Place) -> None:
    """Remove a file whose number another program has by now, as after a restart of a container.

    PostgreSQL itself only sees that something lives under that number, and refuses to start.
    """
    pid = recorded_pid(place)
    if pid is not None and os.path.exists(f"/proc/{pid}") and not works_in(pid, place.data):
        (place.data / "postmaster.pid").unlink(missing_ok=True)


def end_orphans(place: Place) -> None:
    """Tell sessions whose server was killed to end; a busy one notices only when it is done."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        if works_in(int(name), place.data) and int(name) != recorded_pid(place):
            with suppress(ProcessLookupError):
                os.kill(int(name), signal.SIGQUIT)
