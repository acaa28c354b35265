"""flask serve, which `make run` is: all it takes from an empty folder on, until told to stop."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import click
import pytest

from products_service import embedded
from products_service.commands.preparing import refuse_taken_port
from tests.catalogue import write_catalogue
from tests.conftest import PATIENT
from tests.programs import ROOT, free_port
from tests.servers import checkout
from tests.system.service import Client
from tests.waiting import HANG

COMMANDS = (["serve"], ["cluster", "up"])


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder for the embedded server's data and for reports."""
    with checkout() as folder:
        yield folder


def flask(folder: Path, port: int, *arguments: str | Path, **settings: str) -> dict:
    """Return what starts `flask ...` in the checkout, with its own data, for subprocess."""
    return {
        "args": [sys.executable, "-m", "flask", *map(os.fspath, arguments)],
        "cwd": ROOT,
        "env": os.environ | {"DEVDB_DIR": str(folder / ".devdb"), "PORT": str(port)} | settings,
        "stdin": subprocess.DEVNULL,
        "stderr": subprocess.STDOUT,
    }


@contextmanager
def serving(folder: Path, port: int, **settings: str) -> Iterator[subprocess.Popen]:
    """Run `flask serve` until it answers; it is killed at the end if it still runs."""
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(**flask(folder, port, "serve", **settings), stdout=output)
    try:
        deadline = time.monotonic() + HANG
        while get(port, "/live")[0] != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def get(port: int, path: str) -> tuple[int, bytes]:
    """Return status and body; status 0 where nobody listens."""
    try:
        with closing(Client(port)) as client:
            reply = client.get(path)
            return reply.status, reply.body
    except OSError:
        return 0, b""


def stop(process: subprocess.Popen, number: signal.Signals) -> None:
    process.send_signal(number)
    assert process.wait(HANG) == 0


def test_from_nothing_to_a_served_catalogue_and_back(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with serving(folder, port, LOG_FORMAT="", **PATIENT) as process:
        status, body = get(port, "/products?page=1000&count=1")
        assert (status, len(json.loads(body))) == (200, 1)
        assert get(port, "/products?page=1001&count=1") == (200, b"[]")
        # A load while it serves shows without a restart.
        rows = {"products": [(7, "Loaded meanwhile", None, None, None, "19.90")]}
        catalogue = write_catalogue(tmp_path / "catalogue", rows)
        load = flask(folder, port, "etl", "load", catalogue, "--report", tmp_path)
        subprocess.run(**load, stdout=subprocess.DEVNULL, timeout=HANG, check=True)
        assert b"Loaded meanwhile" in get(port, "/products/7")[1]
        stop(process, signal.SIGTERM)
    assert embedded.status(folder / ".devdb").pid is None
    assert get(port, "/live") == (0, b"")
    # What it logs is for people, unless it is told otherwise.
    assert " GET '/products/7' " in (folder / "serve.log").read_text()
    # Started again it loads nothing: the data are those of before.
    with serving(folder, port, LOG_FORMAT="json", **PATIENT) as process:
        assert b"Loaded meanwhile" in get(port, "/products?count=1")[1]
        assert get(port, "/ready") == (200, b'{"load":2}')
        stop(process, signal.SIGINT)
    assert '"path":"/ready"' in (folder / "serve.log").read_text()
    assert embedded.status(folder / ".devdb").pid is None


def test_taken_port_is_said_at_once(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            **flask(folder, port, "serve"), stdout=subprocess.PIPE, timeout=HANG, check=False
        )
    assert done.returncode == 1
    assert f"cannot listen on port {port}".encode() in done.stdout
    assert b"PORT=" in done.stdout


@pytest.mark.parametrize(("port", "proposed"), [(65535, 8080), (80, 8080), (8080, 8081)])
def test_another_port_is_proposed_that_anybody_may_use(port: int, proposed: int) -> None:
    with ExitStack() as taken:
        # it may be taken already, or refused to us
        with suppress(OSError):
            taken.enter_context(socket.create_server(("127.0.0.9", port)))
        with pytest.raises(click.ClickException, match=f"as in PORT={proposed}$"):
            refuse_taken_port("127.0.0.9", port)


def test_an_address_of_another_machine_is_told_from_a_taken_port() -> None:
    # kept for examples (RFC 5737)
    with pytest.raises(click.ClickException, match="BIND_ADDRESS has to be an address of this"):
        refuse_taken_port("192.0.2.1", free_port())


def test_a_kind_of_address_that_the_machine_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(click.ClickException, match=r"port 80 of ::1: .* BIND_ADDRESS has to be"):
        refuse_taken_port("::1", 80)


def test_bad_setting_is_named(folder: Path) -> None:
    command = flask(folder, 0, "serve")
    done = subprocess.run(**command, stdout=subprocess.PIPE, timeout=HANG, check=False)
    assert done.returncode == 2
    assert b"PORT=0" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_without_the_service_is_refused(tmp_path: Path, command: list[str]) -> None:
    started = flask(tmp_path, free_port(), *command, PYTHONPATH=str(ROOT)) | {"cwd": tmp_path}
    done = subprocess.run(**started, stdout=subprocess.PIPE, timeout=HANG, check=False)
    assert done.returncode == 1
    assert b"there is no wsgi.py and no gunicorn.conf.py and no migrations" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["ETL_DATABASE_URL", "MIGRATIONS_DATABASE_URL"])
def test_a_load_elsewhere_is_refused(folder: Path, command: list[str], name: str) -> None:
    started = flask(folder, free_port(), *command)
    started["env"][name] = "postgresql://who:hush@127.0.0.1:1/products"
    done = subprocess.run(**started, stdout=subprocess.PIPE, timeout=HANG, check=False)
    assert done.returncode == 2
    assert f"{name} is set and DATABASE_URL is not".encode() in done.stdout
    assert b"hush" not in done.stdout
    assert not (folder / ".devdb").exists()
