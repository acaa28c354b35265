"""PostgreSQL servers and folders for tests, which leave nothing behind."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

from products_service import embedded
from products_service.embedded.binaries import (
    copy_wheel,
    environment,
    nobody,
    reachable,
    run,
    wheel_folder,
)
from products_service.embedded.place import PROGRAMS, outside
from products_service.leash import leashed
from tests.waiting import HANG

# nothing here has to survive a crash of the machine, only of the server
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    # what it does comes at any time
    "autovacuum": "off",
}


class Server:
    """A server in a temporary folder; `sockets` and `port` are where it listens.

    `superuser` needs no password. `pid` is the postmaster's.
    """

    superuser = "postgres"

    def __init__(self, folder: Path, programs: Path, settings: dict[str, str]) -> None:
        self.folder = self.sockets = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.account = nobody() if os.geteuid() == 0 else None
        if self.account is not None:
            os.chown(folder, *self.account)
        if not reachable(programs / "postgres", self.account):
            programs = copy_wheel(folder)
        self.programs = programs
        self.settings = SETTINGS | {"unix_socket_directories": str(folder)} | settings
        self.port = int(settings.get("port", "5432"))
        self.process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def url(self, user: str = superuser, database: str = "postgres") -> str:
        """Return a libpq URL."""
        return f"postgresql://{user}@/{database}?host={self.sockets}&port={self.port}"

    def initialise(self) -> None:
        """Make the data folder, sorted and encoded as the embedded server's is."""
        said = subprocess.check_output([self.programs / "postgres", "--version"], text=True)
        major = int(said.split()[2].partition(".")[0])
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        run(
            [
                *(self.programs / "initdb", "-D", self.data, "-U", self.superuser, "--no-sync"),
                *("--auth=trust", "--encoding=UTF8"),
                *(builtin if major >= 17 else ["--locale=C.UTF-8"]),
            ],
            self.account,
        )

    def start(self) -> None:
        """Start the server, also after it was killed, and wait until it answers."""
        uid, gid = (-1, -1) if self.account is None else self.account
        options = [part for pair in self.settings.items() for part in ("-c", "=".join(pair))]
        command = [str(self.programs / "postgres"), "-D", str(self.data), *options]
        deadline = time.monotonic() + HANG
        while True:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    # SIGQUIT, the immediate shutdown: it takes the shared memory along
                    leashed(command, signal.SIGQUIT, uid, gid),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=environment(),
                    start_new_session=True,
                )
            while self.process.poll() is None:
                if self.answers():
                    return
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.02)
            # sessions of a killed server may still hold its memory for a moment
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether sessions are let in."""
        asked = subprocess.run(
            [self.programs / "pg_isready", "-q", "-h", self.sockets, "-p", str(self.port)],
            env=environment(),
            check=False,
        )
        return asked.returncode == 0

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT is the fast shutdown, SIGQUIT the immediate one."""
        if self.process is None:
            return
        self.thaw()
        with suppress(ProcessLookupError):
            self.process.send_signal(how)
        self.process.wait(HANG)
        self.process = None

    def restart(self) -> None:
        """Stop and start: sessions are lost, the address stays."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kill the postmaster with SIGKILL; its sessions notice on their own."""
        self.stop(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop every process of the server in its tracks; the kernel still takes connections."""
        # the postmaster first, so that no child is born meanwhile; signals take a moment to arrive
        os.kill(self.pid, signal.SIGSTOP)
        await_states([self.pid], {"T"})
        self.signal_children(signal.SIGSTOP)
        await_states(children(self.pid), {"T", "Z", ""})

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self.signal_children(signal.SIGCONT)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have the server frozen as long as the block runs."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def signal_children(self, number: signal.Signals) -> None:
        for child in children(self.pid):
            with suppress(ProcessLookupError):
                os.kill(child, number)


def await_states(pids: Sequence[int], states: set[str]) -> None:
    """Return once each of the processes is in one of the states."""
    deadline = time.monotonic() + HANG
    while not {state(pid) for pid in pids} <= states:
        assert time.monotonic() < deadline, {pid: state(pid) for pid in pids}
        time.sleep(0.001)


def stat(pid: int) -> list[str]:
    """Return what the kernel says of a process, from its state on; empty if it is gone."""
    try:
        # the name, in parentheses, may hold anything
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def state(pid: int) -> str:
    """Return the letter of a process's state, such as T for stopped; empty if it is gone."""
    return "".join(stat(pid)[:1])


def alive(pid: int) -> bool:
    """Whether a process has not ended."""
    return state(pid) not in ("", "Z")


def children(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    everyone = map(int, filter(str.isdigit, os.listdir("/proc")))
    return [each for each in everyone if stat(each)[1:2] == [str(pid)]]


def programs() -> Path:
    """Return where the programs of the PostgreSQL are that is tested: TEST_PG_BIN, or the wheel."""
    given = os.environ.get("TEST_PG_BIN")
    return Path(given) if given else wheel_folder() / "bin"


@contextmanager
def throwaway(**settings: str) -> Iterator[Server]:
    """Run a server of the PostgreSQL that is tested, empty and not durable.

    Only its user and root reach it. It is gone, folder and all, with the block, and with this
    process however that ends, but then its folder stays.
    """
    # directly in the temporary folder: pytest's own are not open to the server's account
    folder = Path(tempfile.mkdtemp(prefix="products-test-", dir=short_folder()))
    try:
        server = Server(folder, programs(), settings)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder)


def query(url: str, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run one statement in autocommit and return its rows, however slow the machine is."""
    # the service's role has a limit that is not meant for tests
    options = f"{parse_dsn(url).get('options', '')} -c statement_timeout={HANG}s"
    with closing(psycopg2.connect(url, options=options)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def standby_of(primary: Server) -> Iterator[Server]:
    """Run a standby of a server."""
    folder = Path(tempfile.mkdtemp(prefix="products-test-", dir=short_folder()))
    try:
        server = Server(folder, primary.programs, {})
        run(
            [
                *(server.programs / "pg_basebackup", "-D", server.data, "-R", "-c", "fast"),
                *("-h", primary.sockets, "-p", str(primary.port), "-U", primary.superuser),
            ],
            server.account,
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def short_folder() -> str:
    """Return the temporary folder, or one that leaves room for a socket's path."""
    given = tempfile.gettempdir()
    return given if len(os.fsencode(given)) < 60 else "/tmp"


@contextmanager
def checkout(name: str = "checkout", mode: int = 0o755) -> Iterator[Path]:
    """Yield an empty folder whose `.devdb` may hold an embedded server, which is removed after.

    Below a folder of `mode`, since the server's account cannot enter pytest's own as root.
    """
    top = Path(tempfile.mkdtemp(prefix="products-test-", dir=short_folder()))
    folder = top / name
    folder.mkdir(parents=True)
    made = folder
    while made != top:
        made.chmod(0o755)  # the umask may have been stricter
        made = made.parent
    top.chmod(mode)
    devdb = folder / ".devdb"
    try:
        yield folder
    finally:
        if devdb.is_dir():
            embedded.stop(devdb)
        for what in ("", PROGRAMS):
            shutil.rmtree(outside(devdb.resolve(), what), ignore_errors=True)
        shutil.rmtree(top)
