"""A connection that is lost while a load publishes: what is said of the catalogue is true."""

import errno
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from etl import outcome
from etl.commands import etl
from etl.connection import Connection
from etl.progress import Progress
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import AS_IT_WAS, ROWS, flask_etl, recorded, served, started
from tests.servers import Server, query, short_folder
from tests.waiting import HANG

LOST = "server closed the connection unexpectedly"


class Proxy:
    """Passes bytes between a client and a server, until the COMMIT that publishes is met.

    `at_commit` then gets the function that passes it on and the client's end of the connection is
    closed after it. Connections that come later are passed on, or refused if `gone`.
    """

    def __init__(
        self,
        server: Server,
        folder: Path,
        at_commit: Callable[[Callable[[], None]], None],
        gone: bool,
    ) -> None:
        self._server = server
        self._at_commit = at_commit
        self._gone = gone
        self.met = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(f"{self._server.sockets}/.s.PGSQL.{self._server.port}")
                for pump, ends in ((self._ask, (client, upstream)), (copy, (upstream, client))):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def _ask(self, client: socket.socket, upstream: socket.socket) -> None:
        recording = False
        with client, upstream, suppress(OSError):
            while data := client.recv(65_536):
                recording |= b"INSERT INTO etl.loads" in data
                if recording and b"COMMIT" in data:
                    self.met = True
                    if self._gone:
                        self.close()
                    self._at_commit(lambda: upstream.sendall(data))
                    shut(client)
                    break
                upstream.sendall(data)
            shut(upstream)

    def close(self) -> None:
        shut(self._listener)
        self._listener.close()


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    shut(target)


def shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def changed(loaded_once: Database, tmp_path: Path) -> Path:
    """A folder with another catalogue."""
    return write_catalogue(tmp_path / "changed", ROWS | {"skus": [(9, 5, "L", 1)]})


@pytest.fixture
def loaded_once(database: Database, folder: Path, reports: Path) -> Database:
    """A database that serves the small catalogue."""
    load_catalogue(database.etl, folder, reports)
    return database


@contextmanager
def behind_a_proxy(
    database: Database, at_commit: Callable[[Callable[[], None]], None], gone: bool = False
) -> Iterator[tuple[SimpleNamespace, Proxy]]:
    with TemporaryDirectory(dir=short_folder()) as name:
        url = database.etl.replace(str(database.server.sockets), name)
        url = re.sub(r"port=\d+", "port=5432", url)
        with closing(Proxy(database.server, Path(name), at_commit, gone)) as proxy:
            yield SimpleNamespace(environment={"ETL_DATABASE_URL": url}), proxy


def keep(forward: Callable[[], None]) -> None:
    """The COMMIT does not get there."""


def lose_the_answer(forward: Callable[[], None]) -> None:
    """The COMMIT gets there; its answer does not come back."""
    forward()


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_a_commit_that_was_lost(
    loaded_once: Database, changed: Path, reports: Path, mode: str
) -> None:
    before = served(loaded_once), recorded(loaded_once)
    with behind_a_proxy(loaded_once, keep) as (behind, proxy):
        done = flask_etl(behind, "load", changed, "--report", reports, "--mode", mode)
        assert proxy.met
    assert done.returncode == 1
    assert LOST in done.stderr
    assert done.stderr.endswith(AS_IT_WAS)
    assert "Published" not in done.stdout
    assert (served(loaded_once), recorded(loaded_once)) == before


@contextmanager
def slow_to_commit(database: Database) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Yield what passes the COMMIT on to a session that is stopped for half a second."""
    threads = []

    def pass_on(forward: Callable[[], None]) -> None:
        statement = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'flask etl'"
        )
        ((pid,),) = query(database.admin, statement)
        os.kill(pid, signal.SIGSTOP)
        forward()

        def go_on() -> None:
            time.sleep(0.5)
            os.kill(pid, signal.SIGCONT)

        threads.append(threading.Thread(target=go_on))
        threads[0].start()

    yield pass_on
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("mode", ["replace", "upsert"])
@pytest.mark.parametrize("slow", [False, True], ids=["at once", "under way"])
def test_an_answer_that_was_lost(
    loaded_once: Database, changed: Path, reports: Path, slow: bool, mode: str
) -> None:
    """Published is published, and also found out while the server is still at it."""
    arguments = ("load", changed, "--report", reports, "--mode", mode, "--quiet")
    with slow_to_commit(loaded_once) as stopping:
        how = stopping if slow else lose_the_answer
        with behind_a_proxy(loaded_once, how) as (behind, proxy):
            done = flask_etl(behind, *arguments)
            assert proxy.met
    number, digest = served(loaded_once)
    assert number == 2
    assert recorded(loaded_once)[-1] == (2, digest)
    assert done.returncode == 0
    assert done.stdout.endswith(f"Published as load 2, digest {digest}.\n")
    assert LOST in done.stderr
    assert done.stderr.endswith("The catalogue was published all the same, as load 2.\n")


def test_a_server_that_nobody_can_ask_any_more(
    loaded_once: Database, changed: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "COMING_BACK", 0.5)
    with behind_a_proxy(loaded_once, lose_the_answer, gone=True) as (behind, proxy):
        arguments = ["load", str(changed), "--report", str(reports), "--json", "--quiet"]
        done = CliRunner().invoke(etl, arguments, env=behind.environment)
        assert proxy.met
    assert done.exit_code == 1
    assert "Whether it was published as load 2 could not be found out" in done.stderr
    assert "`flask etl history`" in done.stderr
    assert '"published": null' in done.stdout
    assert '"number": null' in done.stdout


def test_a_load_is_published_whether_or_not_anybody_reads_so(
    loaded_once: Database, changed: Path, reports: Path
) -> None:
    """As where the terminal or pipe that showed its progress is gone by then."""
    result = load_catalogue(loaded_once.etl, changed, reports, progress=Unread())
    assert (result.published, result.trouble) == (True, "[Errno 32] Broken pipe")
    assert served(loaded_once) == (result.number, result.digest)


class Unread(Progress):
    """Cannot say that the load is published."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        yield
        if name == "publishing":
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def test_a_load_of_the_same_number_is_not_taken_for_ours(
    loaded_once: Database, folder: Path, reports: Path
) -> None:
    """As when another one was published meanwhile, with the same rows even."""
    mine = load_catalogue(loaded_once.etl, folder, reports)
    assert outcome.was_published(loaded_once.etl, mine)
    moved = "UPDATE etl.loads SET started_at = started_at + '1 second' WHERE number = 2"
    query(loaded_once.admin, moved)
    assert outcome.was_published(loaded_once.etl, mine) is False
    # nor is the turn of another one taken for that of the session that was lost
    with closing(Connection(loaded_once.etl)) as other:
        assert other.value("lock_loads")
        assert outcome.was_published(loaded_once.etl, mine) is False
        # which is still there here
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outcome, "COMING_BACK", 0.2)
            still_there = replace(mine, session=outcome.Session.of(other))
            assert outcome.was_published(loaded_once.etl, still_there) is None


@pytest.mark.slow
def test_a_load_is_stopped_while_the_server_does_not_answer_its_commit(
    loaded_once: Database, changed: Path, reports: Path
) -> None:
    before = served(loaded_once), recorded(loaded_once)
    met = threading.Event()

    def hang(_: Callable[[], None]) -> None:
        met.set()
        time.sleep(15)  # beyond which a load gives up

    with (
        behind_a_proxy(loaded_once, hang) as (behind, _),
        started(behind, "load", changed, "--report", reports, "--quiet") as process,
    ):
        assert met.wait(60)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=HANG)
    assert process.returncode == 143
    assert said.endswith(AS_IT_WAS)
    assert (served(loaded_once), recorded(loaded_once)) == before
