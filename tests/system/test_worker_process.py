"""The greenlet worker as a process: its heart and its end."""

import os
import signal
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import PATIENT, Database
from tests.servers import short_folder, state
from tests.sessions import catalogue_locked, count_waiting
from tests.system.probing import probe, workers_of
from tests.system.service import Client, Service, serving
from tests.system.wire import Wire
from tests.waiting import HANG, wait_for

# For workers that are to end by themselves, and not because gunicorn's patience ends.
UNHURRIED = f"--graceful-timeout {2 * HANG}"
# Hooks of gunicorn that are to be called, around the configuration that is shipped.
HOOKS = """
exec(open("gunicorn.conf.py").read())

def worker_int(worker):
    worker.log.warning("hook: worker_int")

def worker_abort(worker):
    worker.log.warning("hook: worker_abort")

def worker_exit(server, worker):
    worker.log.warning("hook: worker_exit")

def post_request(worker, request, environ, answer):
    worker.log.warning("hook: post_request %s %s", request.path, answer.status)
"""


@pytest.fixture
def hooked(tmp_path: Path) -> Path:
    """A configuration that says which hooks are called."""
    config = tmp_path / "config.py"
    config.write_text(HOOKS)
    return config


# Waiting for one, serving others


def test_statement_that_waits_holds_up_nobody(database: Database) -> None:
    settings = {"GUNICORN_WORKER_CLASS": "greenlet", "GUNICORN_WORKERS": "1"}
    with serving(database, **PATIENT, **settings) as service:
        service.wait_for_status(200, "/ready")
        with ExitStack() as stack, catalogue_locked(database):
            # who asks is answered after the lock is released
            replies = stack.enter_context(service.asked(["/products"] * 2))
            wait_for(lambda: count_waiting(database) == 2)
            assert service.get("/live").status == 200
            assert not any(reply.done() for reply in replies)


# The heartbeat


@pytest.mark.slow
def test_worker_that_waits_is_not_killed() -> None:
    with probe("--timeout 2") as service:
        assert service.get("/wait/5").status == 200
        assert service.log.count("Booting worker") == 1


@pytest.mark.slow
def test_worker_that_is_stuck_is_killed(hooked: Path) -> None:
    with probe("--timeout 2", config=hooked) as service, Wire(service.port) as wire:
        wire.get("/block/30")
        assert wire.rest() == b""
        assert "WORKER TIMEOUT" in service.log
        assert "hook: worker_abort" in service.log
        assert wait_for(lambda: service.is_live())


# Its end


def stop(service: Service, number: signal.Signals = signal.SIGTERM) -> None:
    service.process.send_signal(number)


def test_requests_that_are_there_are_answered_before_the_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # for clients that a slow machine keeps from asking
    patience = {"REQUEST_SECONDS": str(2 * HANG), "LINGER_SECONDS": str(2 * HANG)}
    with probe(UNHURRIED, **patience) as service, ExitStack() as stack:
        (worker,) = workers_of(service)
        idle, half, busy, *queued = [stack.enter_context(Wire(service.port)) for _ in range(8)]
        idle.ask("/live")
        half.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n")
        time.sleep(0.1)
        busy.get(f"/block/{pipe}")
        wait_for(lambda: "blocking" in service.log)
        # these the worker finds only after it was told to stop, and the last not even connected
        for wire in queued:
            wire.get("/live")
        late = stack.enter_context(Wire(service.port))
        late.get("/live")
        stop(service)
        os.kill(worker, signal.SIGTERM)  # as gunicorn does, but before the worker goes on
        pipe.write_bytes(b"go on")
        for wire in (busy, *queued, late):
            message = wire.read()
            assert (message.status, message.headers["Connection"]) == (200, "close")
            assert wire.is_closed()
        # so are requests that come a little later
        half.send(b"\r\nhalf")
        assert half.read().body == b"half"
        assert idle.ask("/live").headers["Connection"] == "close"
        assert service.process.wait(HANG) == 0
        assert "Worker exiting" in service.log
        assert "SIGKILL" not in service.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_last_lines_of_the_log_are_written_before_the_end(
    database: Database, number: signal.Signals
) -> None:
    settings = {"GUNICORN_WORKER_CLASS": "greenlet", "GUNICORN_WORKERS": "1"}
    with serving(database, **settings) as service:
        service.get("/live", {"X-Request-ID": "last"})
        stop(service, number)
        service.process.wait(HANG)
        assert '"request_id":"last"' in service.log


def test_idle_connections_are_let_go_soon_after_a_stop() -> None:
    # what ends idle and silent connections otherwise is further off than a test waits
    arguments = f"{UNHURRIED} --keep-alive {2 * HANG}"
    with (
        probe(arguments, REQUEST_SECONDS=str(2 * HANG)) as service,
        Wire(service.port) as idle,
        Wire(service.port) as fresh,
    ):
        idle.ask("/live")
        stopped = time.monotonic()
        stop(service)
        assert idle.is_closed()
        assert fresh.is_closed()
        assert service.process.wait(HANG) == 0
        assert time.monotonic() - stopped > 1


@pytest.mark.slow
def test_client_that_does_not_end_is_left_at_graceful_timeout() -> None:
    with (
        probe("--graceful-timeout 3", ANSWER_SECONDS=str(2 * HANG)) as service,
        Wire(service.port, 4096) as wire,
    ):
        wire.get("/big")
        stop(service)
        stopped = time.monotonic()
        assert service.process.wait(HANG) == 0
        assert time.monotonic() - stopped > 2


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT])
def test_quick_end(hooked: Path, number: signal.Signals) -> None:
    with (
        probe(UNHURRIED, config=hooked) as service,
        service.asked([f"/wait/{2 * HANG}"]) as [reply],
    ):
        wait_for(lambda: "1 wait\n" in service.log)
        stop(service, number)
        assert service.process.wait(HANG) == 0
        with pytest.raises(OSError):  # noqa: PT011
            reply.result()
        assert "hook: worker_int" in service.log
        assert "hook: worker_exit" in service.log


def test_reload_and_replacement_of_workers_cost_no_request() -> None:
    with probe("--max-requests 50 --max-requests-jitter 20", workers=2) as service:
        first = set(workers_of(service))
        client = Client(service.port)
        for number in range(400):
            if number == 200:
                stop(service, signal.SIGHUP)
            # the client sees `Connection: close`, and connects anew
            assert client.get("/live").status == 200
        client.close()
        assert "Autorestarting worker after current request." in service.log
        wait_for(lambda: not first & set(workers_of(service)))


def test_hook_after_each_request(hooked: Path) -> None:
    with probe(config=hooked) as service:
        service.get("/stream/1")
        wait_for(lambda: "hook: post_request /stream/1 200 OK" in service.log)


def test_workers_end_with_their_arbiter() -> None:
    with probe(workers=2) as service:
        workers = workers_of(service)
        service.process.send_signal(signal.SIGKILL)
        wait_for(lambda: all(state(worker) in ("", "Z") for worker in workers))
        with suppress(ProcessLookupError):
            os.killpg(service.process.pid, signal.SIGKILL)


def test_what_only_gunicorn_s_own_workers_can_do_is_refused(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("")
    with TemporaryDirectory(dir=short_folder()) as folder:
        for arguments in (
            f"--certfile {certificate}",
            "--protocol uwsgi",
            "--proxy-protocol v1",
            f"--bind unix:{folder}/socket",
        ):
            with (
                pytest.raises(AssertionError, match="gunicorn ended") as raised,
                probe(arguments),
            ):
                pass
            assert "choose gthread" in str(raised.value.__notes__)
