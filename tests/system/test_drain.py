"""flask drain, and what else a host's master hands on: the flag and the counts, as it must."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest

from products_service.commands.drain import stop_holder
from products_service.run_file import find_holder
from products_service.serving.draining import FILE
from tests.conftest import PATIENT, Database
from tests.programs import ROOT, environment, free_port
from tests.servers import children
from tests.system.service import PROBLEM, Client, Service, running, serving
from tests.waiting import HANG, wait_for

WORKERS = 2
# Of a gunicorn that is not stopped right away, so that a test need not wait.
AT_ONCE = {"DRAIN_SECONDS": "0"}


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def host(shared_database: Database, run_dir: Path) -> Iterator[Service]:
    with serving(shared_database, RUN_DIR=str(run_dir), **PATIENT) as service:
        yield service


# holds a file, and does not end when it is told to
DEAF = """
import signal, sys
from pathlib import Path
from products_service.run_file import hold

signal.signal(signal.SIGTERM, signal.SIG_IGN)
hold(Path(sys.argv[1]))
print("holds it", flush=True)
sys.stdin.read()
"""


def drain(run_dir: Path | None, *options: str, status: int = 0, **settings: str) -> str:
    """Run `flask drain`; return what it says."""
    given = {"RUN_DIR": str(run_dir)} if run_dir else {}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "drain", *options],
        cwd=ROOT,
        env=environment(None, **given, **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def is_draining(service: Service) -> bool:
    """Ask often enough that every worker has answered; they must agree."""
    closed = set()
    for _ in range(8 * WORKERS):
        reply = service.get("/live")
        assert reply.status == 200
        closed.add(reply.headers["Connection"])
    assert closed in ({"close"}, {"keep-alive"})
    return closed == {"close"}


def test_a_draining_host_is_not_ready_and_closes_its_connections(
    host: Service, run_dir: Path
) -> None:
    with closing(Client(host.port)) as kept:
        assert kept.get("/live").headers["Connection"] == "keep-alive"
        assert not is_draining(host)
        said = drain(run_dir, **AT_ONCE)
        assert f"process {find_holder(run_dir / FILE)}" in said
        # the connection that a client has is closed with its next answer, which it gets
        reply = kept.get("/products")
        assert (reply.status, reply.headers["Connection"]) == (200, "close")
    assert is_draining(host)
    reply = host.get("/ready")
    assert reply.status == 503
    assert reply.headers["Content-Type"] == PROBLEM
    assert reply.headers["Retry-After"] == "1"
    assert b'"type":"urn:problem-type:draining","title":"Draining",' in reply.body


def test_it_returns_when_clients_had_their_time(host: Service, run_dir: Path) -> None:
    seconds = os.times().elapsed
    drain(run_dir, DRAIN_SECONDS="1")
    assert os.times().elapsed - seconds >= 1
    assert host.process.poll() is None


def test_it_stops_the_host_when_told_to(host: Service, run_dir: Path) -> None:
    assert "gunicorn has ended" in drain(run_dir, "--stop", **AT_ONCE)
    assert host.process.wait(HANG) == 0
    # nothing is left of it but the file by which it was found, and a log
    assert [path.name for path in run_dir.iterdir()] == [FILE]


def test_a_restart_ends_it(shared_database: Database, host: Service, run_dir: Path) -> None:
    drain(run_dir, "--stop", **AT_ONCE)
    with serving(shared_database, RUN_DIR=str(run_dir), **PATIENT) as again:
        assert not is_draining(again)


def test_neither_sighup_nor_a_new_worker_ends_it(host: Service, run_dir: Path) -> None:
    drain(run_dir, **AT_ONCE)
    old = set(children(host.process.pid))
    host.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(now := set(children(host.process.pid))) == WORKERS and not now & old)
    wait_for(host.is_live)
    assert is_draining(host)
    victim = children(host.process.pid)[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in (now := children(host.process.pid)) and len(now) == WORKERS)
    assert is_draining(host)


def test_sighup_keeps_the_counts_and_a_killed_hosts_are_swept_away(
    shared_database: Database, run_dir: Path
) -> None:
    with serving(shared_database, RUN_DIR=str(run_dir), **PATIENT) as host:
        for _ in range(5):
            host.get("/products/7")
        wait_for(lambda: counted(host) == 5)
        old = set(children(host.process.pid))
        host.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(now := set(children(host.process.pid))) == WORKERS and not now & old)
        wait_for(host.is_live)
        wait_for(lambda: counted(host) == 5)
        os.killpg(host.process.pid, signal.SIGKILL)
        host.process.wait()
    assert len(list(run_dir.iterdir())) == 2
    assert "no gunicorn runs with RUN_DIR" in drain(run_dir, status=1)
    with serving(shared_database, RUN_DIR=str(run_dir), **PATIENT) as host:
        assert counted(host) == 0
        assert len(list(run_dir.iterdir())) == 2


def test_another_master_is_refused_and_takes_nothing_along(
    shared_database: Database, run_dir: Path
) -> None:
    """After SIGHUP too, when what gunicorn hands on to it names the folder of our counts."""
    # `python -m gunicorn` would start another one in a way in which it does not find its modules
    program = os.fspath(Path(sys.executable).with_name("gunicorn"))
    port = free_port()
    env = environment(shared_database, RUN_DIR=str(run_dir), PORT=str(port), **PATIENT)
    argv = [program, "-c", "gunicorn.conf.py", "wsgi:app"]
    with running(argv, port, cwd=ROOT, env=env) as host:
        host.get("/products/7")
        wait_for(lambda: counted(host) == 1)
        before = sorted(path.name for path in run_dir.iterdir())
        old = set(children(host.process.pid))
        host.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(now := set(children(host.process.pid))) == WORKERS and not now & old)
        host.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: "another gunicorn runs in it" in host.log)
        wait_for(lambda: len(children(host.process.pid)) == WORKERS)
        assert sorted(path.name for path in run_dir.iterdir()) == before
        wait_for(lambda: counted(host) == 1)


def counted(host: Service) -> int:
    """Return how often the host says that it was asked for a product which is not there."""
    text = host.get("/metrics").body.decode()
    lines = [
        line
        for line in text.splitlines()
        if line.startswith("products_request_duration_seconds_count") and 'status="404"' in line
    ]
    return sum(round(float(line.rpartition(" ")[2])) for line in lines)


def gunicorn(database: Database | None = None, **settings: str) -> str:
    """Run gunicorn, which is to fail by itself; return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
        cwd=ROOT,
        env=environment(database, **settings),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def test_two_hosts_cannot_have_one_folder(
    shared_database: Database, host: Service, run_dir: Path
) -> None:
    before = sorted(path.name for path in run_dir.iterdir())
    said = gunicorn(shared_database, RUN_DIR=str(run_dir), PORT="1")
    assert f"RUN_DIR={run_dir}: another gunicorn runs in it" in said
    assert sorted(path.name for path in run_dir.iterdir()) == before
    assert not is_draining(host)


@pytest.mark.parametrize("variable", ["RUN_DIR", "PROMETHEUS_MULTIPROC_DIR"])
def test_a_folder_that_cannot_be_is_said(
    shared_database: Database, tmp_path: Path, variable: str
) -> None:
    (tmp_path / "file").touch()
    said = gunicorn(shared_database, **{variable: str(tmp_path / "file" / "run")})
    assert f"{variable}={tmp_path / 'file' / 'run'}: Not a directory" in said
    assert "Traceback" not in said


def test_a_folder_in_which_somebody_else_has_a_link_is_refused(
    shared_database: Database, tmp_path: Path
) -> None:
    (tmp_path / "host").symlink_to(tmp_path / "theirs")
    said = gunicorn(shared_database, RUN_DIR=str(tmp_path), PORT="1")
    assert f"{tmp_path / 'host'}: Too many levels of symbolic links: it must be" in said
    assert "Traceback" not in said


def test_folders_are_made_whoever_has_chosen_where_to_count(
    shared_database: Database, tmp_path: Path
) -> None:
    run_dir, counts = tmp_path / "run", tmp_path / "counts"
    given = {"RUN_DIR": str(run_dir), "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    with serving(shared_database, **given) as host:
        assert host.get("/live").status == 200
        assert (run_dir / "host").exists()
        assert list(counts.glob("*.db"))


def test_a_database_that_cannot_be_is_said(tmp_path: Path) -> None:
    said = gunicorn(RUN_DIR=str(tmp_path), PGSERVICE="x")
    assert "PGSERVICE is set" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL=loud: "),
        ({"GUNICORN_CMD_ARGS": "--protocol uwsgi"}, "choose gthread"),
    ],
)
def test_a_start_that_fails_leaves_nothing(
    tmp_path: Path, wrong: dict[str, str], complaint: str
) -> None:
    settings = {"GUNICORN_WORKER_CLASS": "greenlet", "PORT": str(free_port())} | wrong
    assert complaint in gunicorn(TMPDIR=str(tmp_path), **settings)
    assert not list(tmp_path.iterdir())


def test_counts_that_somebody_else_collects_stay(shared_database: Database, tmp_path: Path) -> None:
    with serving(shared_database, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as service:
        assert service.get("/live").status == 200
    assert list(tmp_path.glob("*.db"))


def test_a_host_that_has_ended_meanwhile_is_stopped(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    stop_holder(tmp_path / FILE, ended.pid)


def test_without_a_host_it_says_so(tmp_path: Path) -> None:
    assert f"no gunicorn runs with RUN_DIR={tmp_path}" in drain(tmp_path, status=1)
    assert "RUN_DIR is not set" in drain(None, status=1)


def test_one_that_does_not_end_is_told_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / FILE
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", DEAF, file], cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == b"holds it\n"
        said = rf"^process {process.pid} has not ended after 0\.2 s$"
        with pytest.raises(click.ClickException, match=said):
            stop_holder(file, process.pid, 0.2)
        assert process.poll() is None
