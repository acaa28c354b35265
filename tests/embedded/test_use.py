"""The embedded server among many starters, kills, removals, and what others leave in its way."""

import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from products_service import embedded
from products_service.embedded import data, server
from products_service.embedded.binaries import wheel_folder
from products_service.embedded.place import CLUSTER, CLUSTER_RUN_FILE, locate
from products_service.embedded.server import Status
from tests.embedded.user import ROOT, User, copy, query
from tests.servers import alive, checkout
from tests.waiting import HANG, wait_for


def test_several_starters_get_one_server_and_the_last_stops_it(devdb):
    users = [User(devdb) for _ in range(6)]
    servers = {user.server() for user in users}
    assert len(servers) == 1
    for user in users[:5]:
        user.leave()
    assert embedded.status(devdb).answers
    users[5].leave()
    assert embedded.status(devdb).pid is None
    assert not alive(servers.pop())


def test_a_started_server_outlives_its_users_until_it_is_stopped(used):
    assert embedded.start(used).kept
    pid = embedded.start(used).pid
    with embedded.running(used):
        pass
    assert embedded.status(used).pid == pid
    assert embedded.stop(used)
    assert embedded.status(used).pid is None
    assert not embedded.stop(used)
    # and the wish to keep it went with it
    with embedded.running(used):
        pass
    assert embedded.status(used).pid is None


def test_a_started_server_that_crashed_stays_once_it_is_used(used):
    os.kill(embedded.start(used).pid, signal.SIGKILL)
    wait_for(lambda: not embedded.status(used).answers)
    with embedded.running(used):
        pass
    assert embedded.status(used).kept
    assert embedded.status(used).answers
    embedded.stop(used)


class Container:
    """Runs commands where only their own processes are seen, and not the files below `hidden`."""

    def __init__(self, devdb: Path, hidden: Path | None = None) -> None:
        self._devdb = devdb
        self._apart = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
        if hidden:
            mount = f"mount -t tmpfs none '{hidden}' && exec \"$@\""
            self._apart += ["sh", "-c", mount, "sh"]
        has = os.geteuid() == 0 and shutil.which("unshare")
        if not has or subprocess.run([*self._apart, "true"], check=False).returncode != 0:
            pytest.skip("may not make a namespace of processes")

    def flask_db(self, command: str) -> tuple[int, str]:
        """Return the status of `flask db ...`, and what it says."""
        done = subprocess.run(
            [*self._apart, sys.executable, "-m", "flask", "db", *command.split()],
            cwd=ROOT,
            env=os.environ | {"DEVDB_DIR": str(self._devdb)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG,
            check=False,
        )
        return done.returncode, done.stdout


def test_a_container_with_processes_of_its_own_uses_the_server_and_leaves_it_running(used):
    there = Container(used)
    pid = embedded.start(used).pid
    started = "PostgreSQL answers, as a process of another container, until `flask db stop`"
    for command in ("start", "status"):
        status, said = there.flask_db(command)
        assert status == 0, said
        assert said.startswith(started)
    for command in ("stop", "stop --remove"):
        status, said = there.flask_db(command)
        assert status == 1
        assert "stop it in the container that started it" in said
    os.kill(pid, signal.SIGSTOP)  # as a container that is paused
    try:
        assert there.flask_db("stop --remove")[0] == 1
    finally:
        os.kill(pid, signal.SIGCONT)
    assert embedded.status(used) == Status(locate(used), pid, runs=True, answers=True, kept=True)
    assert query(used, "TABLE kept") == [(1,)]
    embedded.stop(used)


def test_a_container_without_its_socket_leaves_the_server_alone_too(template):
    with checkout("a name that no address of a socket has room for " * 3) as folder:
        devdb = folder / ".devdb"
        copy(template, devdb)
        pid = embedded.start(devdb).pid
        sockets = locate(devdb).sockets
        assert not sockets.is_relative_to(devdb)
        there = Container(devdb, hidden=sockets.parent)
        status, said = there.flask_db("stop --remove")
        assert status == 1
        assert "stop it in the container that started it" in said
        # where it would start a second one on the same data
        status, said = there.flask_db("start")
        assert status == 1
        assert "its socket, in" in said
        assert embedded.status(devdb).pid == pid
        assert query(devdb, "TABLE kept") == [(1,)]
        # what was killed here is no server of another container
        os.kill(pid, signal.SIGKILL)
        with embedded.running(devdb):
            assert query(devdb, "TABLE kept") == [(1,)]


def test_a_server_that_is_just_ending_is_not_another_container_s(used):
    with embedded.running(used):
        pass
    # as the kernel takes it back, a moment after nothing else of a process is to be seen
    lock = os.open(locate(used).held, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    given_back = threading.Timer(0.3, os.close, [lock])
    given_back.start()
    assert not embedded.stop(used)
    given_back.join()


def test_a_killed_user_is_no_user(used):
    with embedded.running(used):
        user = User(used)
        user.server()
        user.kill()
    assert embedded.status(used).pid is None


def test_a_start_may_take_longer_than_a_server_is_silent(used, monkeypatch):
    monkeypatch.setattr(server, "SILENT_SECONDS", 0)
    with embedded.running(used):
        assert embedded.status(used).answers


def test_a_user_whose_server_was_removed_just_leaves(used):
    user = User(used)
    user.server()
    assert embedded.stop(used, remove=True)
    user.leave()
    assert not used.exists()


def test_a_user_whose_server_was_removed_leaves_the_next_one_alone(used):
    user = User(used)
    user.server()
    embedded.stop(used, remove=True)
    with embedded.running(used):
        user.leave()
        assert embedded.status(used).answers


def test_the_folder_of_a_cluster_that_runs_is_not_removed(used):
    with embedded.running(used):
        pass
    up = used / CLUSTER / CLUSTER_RUN_FILE
    up.parent.mkdir()
    holding = (
        "from pathlib import Path; from products_service.run_file import hold; "
        f"hold(Path({str(up)!r})); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.stdout.readline()
        embedded.stop(used, remove=True)
        assert up.exists()


def test_who_waits_while_a_server_is_removed_gets_another(used, monkeypatch):
    users = []

    def remove_rest(place):
        users.append(User(used))
        lock = (used / "lock").stat().st_ino
        waiting = re.compile(rf"-> FLOCK .*:{lock} ")
        wait_for(lambda: waiting.search(Path("/proc/locks").read_text()))
        data.remove_rest(place)

    with embedded.running(used):
        pass
    monkeypatch.setattr(server, "remove_rest", remove_rest)
    embedded.stop(used, remove=True)
    users[0].server()
    assert embedded.status(used).answers
    users[0].leave()


def test_what_it_is(used):
    address = embedded.url(used, "products_app")
    with embedded.running(used):
        assert embedded.url(used, "products_app") == address
        assert query(
            used,
            "SELECT current_database(), datcollate, datlocale, pg_encoding_to_char(encoding),"
            " current_setting('listen_addresses'), current_setting('fsync'),"
            " current_setting('synchronous_commit')"
            " FROM pg_database WHERE datname = current_database()",
        ) == [("products", "C", "C.UTF-8", "UTF8", "", "on", "on")]
        private = embedded.status(used).place.sockets.stat()
        assert stat.S_IMODE(private.st_mode) == 0o700


def test_data_survive_a_killed_server_with_a_busy_session(used):
    with embedded.running(used):
        busily = "SELECT count(*) FROM generate_series(1, 100000000000)"
        busy = subprocess.Popen(
            [wheel_folder() / "bin" / "psql", embedded.url(used, "postgres"), "-c", busily],
            stderr=subprocess.DEVNULL,
        )
        running = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%1000000%' AND state = 'active'"
        wait_for(lambda: len(query(used, running)) > 1)  # it, and this one
        killed = embedded.status(used).pid
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: not alive(killed))
        with embedded.running(used):
            assert embedded.status(used).pid != killed
            assert query(used, "TABLE kept") == [(1,)]
        busy.wait(HANG)
    assert embedded.status(used).pid is None


@pytest.mark.parametrize("made", ["data.new", "data"])
def test_a_killed_starter_leaves_nothing_in_the_way(devdb, made):
    devdb.mkdir()
    user = User(devdb)
    home = embedded.status(devdb).place.home
    # the first one becomes the second, which may be missed
    wait_for(lambda: (home / made).exists() or (home / "data").exists())
    user.kill()
    with embedded.running(devdb):
        assert query(devdb, "SELECT current_database()") == [("products",)]
    assert embedded.status(devdb).pid is None


def test_an_interrupted_start_leaves_no_server(devdb):
    devdb.mkdir()
    user = User(devdb)
    home = embedded.status(devdb).place.home
    # the first one becomes the second, which may be missed
    wait_for(lambda: (home / "data.new").exists() or (home / "data").exists())
    user.process.send_signal(signal.SIGINT)
    user.process.communicate(timeout=HANG)
    assert user.process.returncode != 0
    assert embedded.status(devdb).pid is None


@pytest.mark.parametrize("number", ["another program's", "none"])
def test_a_number_that_another_program_has_by_now_is_no_server(used, number):
    with embedded.running(used):
        place = embedded.status(used).place
        files = [place.data / "postmaster.pid", place.sockets / ".s.PGSQL.5432.lock"]
        written = [file.read_text().partition("\n")[2] for file in files]
    # a live process of the very account that the server runs as
    sleeper = subprocess.Popen(["sleep", "600"], user=place.data.stat().st_uid)
    try:
        for file, rest in zip(files, written, strict=True):
            file.write_text("" if number == "none" else f"{sleeper.pid}\n{rest}")
        assert embedded.status(used).pid is None
        with embedded.running(used):
            assert query(used, "SELECT 1") == [(1,)]
    finally:
        sleeper.kill()
        sleeper.wait()


def test_what_stays_in_the_way_is_said_at_once(used):
    (embedded.status(used).place.data / "postmaster.pid").symlink_to("nowhere/postmaster.pid")
    with pytest.raises(embedded.EmbeddedError, match="could not create lock file"):
        embedded.start(used)


def test_a_server_that_does_not_answer_is_shown_with_the_end_of_its_log(used, monkeypatch):
    monkeypatch.setattr(server, "SILENT_SECONDS", 0)
    pid = embedded.start(used).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(embedded.EmbeddedError, match=r"answer.*\n(.*\n)*.*ready to accept"):
            embedded.start(used)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_data_that_are_half_removed_are_gone(devdb, monkeypatch):
    with embedded.running(devdb):
        query(devdb, "CREATE TABLE removed AS SELECT 1")

    def fail(folder):
        assert folder.name == "data.going"
        (folder / "PG_VERSION").unlink()
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(shutil, "rmtree", fail)
    with pytest.raises(embedded.EmbeddedError, match=r"data\.going cannot be removed: .*denied"):
        embedded.stop(devdb, remove=True)
    monkeypatch.undo()
    with embedded.running(devdb):
        assert query(devdb, "SELECT to_regclass('removed')") == [(None,)]
    embedded.stop(devdb, remove=True)
    assert not devdb.exists()
