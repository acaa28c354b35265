"""The embedded server's life: made once, started by its first user, stopped by its last.

All under .devdb/: who holds `lock` may start and stop; every user shares `users`; the server's own
processes hold `server`; `keep` says that the server outlives its users. The first three are flocks,
which the kernel takes back however a process ends, and shows to other containers too.
"""

import fcntl
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from products_service.embedded.binaries import EmbeddedError, forget_others, run
from products_service.embedded.data import prepare, programs_for, remove_data, remove_rest
from products_service.embedded.place import PORT, Place, locate, unusable
from products_service.embedded.processes import (
    ACCEPTS,
    REFUSES,
    ask,
    end_orphans,
    forget_stale_pids,
    is_elsewhere,
    listens,
    postmaster,
)

# given at every start, so that data of an older checkout gets the settings of this one
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    # several hosts on one machine (`make cluster`), or all who are measured side by side
    "max_connections": "200",
    "shared_buffers": "256MB",
    # no standby reads this server's log, and a load writes less of it
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
}
# crash recovery of a large catalogue takes its time; pg_ctl returns at once if the server ends
START_SECONDS = 600
STOP_SECONDS = 60
# a server that says nothing for so long is stuck; one that recovers says that it does
SILENT_SECONDS = 60
# and one of another container that has no socket here will have none: who starts it has the lock
HIDDEN_SECONDS = 5
# what a server says that would start if only those of before it were gone
NOT_YET = ("pre-existing shared memory block", '" already exists', '" is empty')
# of a server's log, where nothing better is known
LAST_LINES = 5


@dataclass(frozen=True)
class Status:
    """What is known of a server.

    `pid` is None where we see no process of it: one that `runs` all the same is of another
    container, which has the folder too.
    """

    place: Place
    pid: int | None
    runs: bool
    answers: bool
    kept: bool


@contextmanager
def running(devdb: Path) -> Iterator[None]:
    """Hold the server of `devdb` running, started if it is not, with the database `products`.

    The last user to leave stops it, unless `start` asked for it. Raises EmbeddedError.
    """
    devdb = devdb.absolute()  # the caller may change folders meanwhile
    with ExitStack() as stack:
        with locked(devdb) as lock:
            users = stack.enter_context(open_shared(devdb / "users"))
            stack.callback(leave, devdb, users)
            fcntl.flock(users, fcntl.LOCK_SH)
            ensure_running(devdb, lock)
        yield


def leave(devdb: Path, users: int) -> None:
    """Give up the share in `users`, and stop the server if it was the last one.

    Where somebody removed the server meanwhile nothing is left to do.
    """
    if not (devdb / "lock").exists():
        return
    with open_shared(devdb / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_at(devdb / "users", users):
            return
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        place = locate(devdb)
        if postmaster(place) is not None and not (devdb / "keep").exists():
            halt(place)


def start(devdb: Path) -> Status:
    """Start the server of `devdb` unless it runs, and keep it until `stop`.

    Raises EmbeddedError.
    """
    # as a user: if we are interrupted, the server goes
    with running(devdb), locked(devdb):
        (devdb / "keep").touch()
    return status(devdb)


def stop(devdb: Path, remove: bool = False) -> bool:
    """Stop the server of `devdb`, whoever started it; return whether one ran.

    Then remove its data, if told to, in `devdb` and outside of it. Raises EmbeddedError, also
    where the server is another container's.
    """
    place = locate(devdb)
    if not (place.record.exists() or place.home.parent in place.outside_folders):
        return False  # no server was ever started there, whatever there is
    with locked(devdb):
        ran = postmaster(place) is not None
        if is_elsewhere(place):
            raise EmbeddedError(
                f"the server in {place.home} runs, but its process cannot be seen from here: stop "
                "it in the container that started it"
            )
        (devdb / "keep").unlink(missing_ok=True)
        if ran:
            halt(place)
        if remove:
            remove_data(place)
            remove_rest(place)
        return ran


def status(devdb: Path) -> Status:
    """Return what the server of `devdb` does now. Raises EmbeddedError."""
    place = locate(devdb)
    pid = postmaster(place)
    runs = pid is not None or is_elsewhere(place)
    return Status(place, pid, runs, ask(place) == ACCEPTS, (devdb / "keep").exists())


def make_devdb(devdb: Path) -> None:
    """Make the folder; ours to write in, and for root's `nobody` to pass through."""
    try:
        devdb.mkdir(parents=True)
        devdb.chmod(0o755)  # the umask may have been stricter
    except FileExistsError:
        return
    except OSError as error:
        raise unusable(devdb, error.strerror) from None


@contextmanager
def open_shared(path: Path) -> Iterator[int]:
    """Open a file to lock, made if need be. Raises EmbeddedError where that cannot be."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unusable(path, error.strerror) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def locked(devdb: Path) -> Iterator[int]:
    """Be the only one who starts or stops. What is done meanwhile ends by itself, in time."""
    while True:
        make_devdb(devdb)
        with open_shared(devdb / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_at(devdb / "lock", lock):
                yield lock
                return
            # whom we waited for has removed it: it is made anew


def is_at(path: Path, descriptor: int) -> bool:
    """Whether the open file is the one of that name, and not one that was removed since."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def ensure_running(devdb: Path, lock: int) -> None:
    """Return once the server answers, started if need be. Raises EmbeddedError."""
    place = locate(devdb)
    latest = time.monotonic() + START_SECONDS
    heard_at = time.monotonic()
    while True:
        elsewhere = is_elsewhere(place)
        if postmaster(place) is None and not elsewhere:
            launch(place, lock)
        state = ask(place)
        if state == ACCEPTS:
            return
        if state == REFUSES:
            heard_at = time.monotonic()
        hidden = elsewhere and not listens(place)
        patience = HIDDEN_SECONDS if hidden else SILENT_SECONDS
        if time.monotonic() > min(heard_at + patience, latest):
            break
        time.sleep(0.02)
    if hidden:
        raise EmbeddedError(
            f"the server in {place.home} runs in another container, and its socket, in "
            f"{place.sockets} there, cannot be reached from here: have both containers use the "
            "folder by the same path, a short and plain one, or set DATABASE_URL"
        )
    last = "\n".join(log_since(place, 0).splitlines()[-LAST_LINES:])
    raise EmbeddedError(
        f"the server in {place.home} does not answer; its log, {place.log}, ends with\n{last}"
    )


def launch(place: Place, lock: int) -> None:
    """Start the server, with data made if there are none. Raises EmbeddedError.

    What a killed server left behind ends on its own or is told to; until then we come back.
    """
    with open_shared(place.held) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            end_orphans(place)
            return
        launch_held(place, lock, held)


def launch_held(place: Place, lock: int, held: int) -> None:
    """Start the server, to which the lock `held` goes over. Raises EmbeddedError."""
    try:
        prepare(place, lock)
    except PermissionError as error:
        raise unusable(Path(error.filename), error.strerror) from None
    forget_stale_pids(place)
    options = SETTINGS | {"unix_socket_directories": str(place.sockets)}
    arguments = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
    said = place.log.stat().st_size if place.log.exists() else 0
    try:
        start = ("start", "-t", str(START_SECONDS), "-l", place.log, "-o", arguments)
        control(place, *start, held=held)
    except EmbeddedError as error:
        why = f"{error}\n{log_since(place, said).strip()}"
        if not any(reason in why for reason in NOT_YET):
            raise EmbeddedError(f"{why}\n(the log is {place.log})") from None
        end_orphans(place)
    else:
        forget_others(place.programs)


def log_since(place: Place, size: int) -> str:
    """Return what was added to the server's log since it had this size in bytes."""
    return place.log.read_bytes()[size:].decode(errors="replace") if place.log.exists() else ""


def halt(place: Place) -> None:
    """Stop the server: sessions are ended, data are on disk. Raises EmbeddedError."""
    control(place, "stop", "-m", "fast", "-t", str(STOP_SECONDS))


def control(place: Place, command: str, *options: str | Path, held: int | None = None) -> None:
    """Run pg_ctl on the data; what it starts keeps the descriptor `held`. Raises EmbeddedError."""
    pg_ctl = programs_for(place) / "pg_ctl"
    run([pg_ctl, command, "-s", "-w", "-D", place.data, *options], place.account, held=held)
