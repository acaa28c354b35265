"""Clients that are slow, silent, greedy or many: none of them holds up the greenlet worker."""

import os
import resource
import socket
import struct
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path

import pytest

from tests.programs import ROOT, environment, free_port
from tests.system.probe import BIG
from tests.system.probing import PROBE, probe, workers_of
from tests.system.service import PROBLEM, Service, running
from tests.system.wire import Wire
from tests.waiting import HANG
from tests.waiting import wait_for as eventually

HALF = b"GET /live HTTP/1.1\r\nHost: x\r\n"
# Small enough that a large answer does not fit in what the kernels hold between us.
SMALL_BUFFER = 4096


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with probe() as service:
        yield service


@pytest.fixture(scope="module")
def hasty() -> Iterator[Service]:
    """A service whose limits on clients are short."""
    with probe("--keep-alive 1", REQUEST_SECONDS="1", ANSWER_SECONDS="1") as service:
        yield service


def assert_others_are_served(service: Service) -> None:
    for _ in range(10):
        assert service.get("/live").status == 200
    with Wire(service.port) as wire:
        for _ in range(10):
            assert wire.ask("/live").status == 200


# Half a request


def test_half_requests_hold_up_nobody(service: Service) -> None:
    with ExitStack() as stack:
        for sent in (b"", b"G", HALF, b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf") * 50:
            stack.enter_context(Wire(service.port)).send(sent)
        assert_others_are_served(service)


def test_half_a_request_is_refused_in_time(hasty: Service) -> None:
    with Wire(hasty.port) as wire:
        wire.send(HALF)
        message = wire.read()
        assert (message.status, message.headers["Content-Type"]) == (408, PROBLEM)
        assert b'"status":408,"detail":"The request did not arrive in time."' in message.body
        assert wire.is_closed()


def test_request_in_drops_is_refused_in_time(hasty: Service) -> None:
    with Wire(hasty.port) as wire:
        started = time.monotonic()
        wire.socket.settimeout(0.1)
        message, drop = None, HALF
        while message is None:
            wire.send(drop)
            drop = b"A: b\r\n"
            try:
                message = wire.read()
            except TimeoutError:
                assert time.monotonic() < started + HANG
        assert message.status == 408


def test_connection_without_a_request_is_closed_without_a_word(hasty: Service) -> None:
    with Wire(hasty.port) as wire:
        assert wire.is_closed()


def test_idle_connection_is_closed_without_a_word(hasty: Service) -> None:
    with Wire(hasty.port) as wire:
        started = time.monotonic()
        assert wire.ask("/live").status == 200
        assert wire.is_closed()
        assert time.monotonic() - started > 0.9


def test_empty_line_after_a_request_is_not_half_of_one(hasty: Service) -> None:
    with Wire(hasty.port) as wire:
        assert wire.ask("/live").status == 200
        wire.socket.sendall(b"\r\n")
        assert wire.is_closed()
    with Wire(hasty.port) as wire:
        assert wire.ask("/live").status == 200
        for part in (b"\r", b"\n", b"\r"):
            wire.socket.sendall(part)
            time.sleep(0.05)
        assert wire.is_closed()
    with Wire(hasty.port) as wire:
        wire.socket.sendall(HALF + b"\r\n\r\n")
        assert wire.read().status == 200
        assert wire.is_closed()
    with Wire(hasty.port) as wire:
        wire.socket.sendall(HALF + b"\r\n\r\n")
        assert wire.read().status == 200
        assert wire.ask("/live").status == 200


def test_client_that_ends_in_the_middle_of_a_request_is_no_error(service: Service) -> None:
    for sent in (HALF, b"POST /live HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"):
        with Wire(service.port) as wire:
            wire.send(sent)
            wire.socket.shutdown(socket.SHUT_WR)
            wire.rest()
    with Wire(service.port) as wire:
        wire.get("/wait/0.1")
        # resets the connection when it is closed
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.3)
    assert_others_are_served(service)
    assert "failed" not in service.log
    assert "Traceback" not in service.log


# Answers that are not taken


def test_slow_readers_hold_up_nobody(service: Service) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(service.port, SMALL_BUFFER)) for _ in range(4)]
        for wire in wires:
            wire.get("/big")
        assert_others_are_served(service)
        for wire in wires:
            assert wire.read().body == b"x" * BIG


def test_answer_that_is_not_taken_in_time_is_cut_off(hasty: Service) -> None:
    with Wire(hasty.port, SMALL_BUFFER) as wire:
        wire.get("/big")
        time.sleep(2)
        received = 0
        try:
            while data := wire.socket.recv(65536):
                received += len(data)
        except ConnectionResetError:
            pass
        assert received < BIG


def test_flood_of_requests_on_one_connection_starves_nobody(service: Service) -> None:
    with Wire(service.port) as flood, Wire(service.port) as other:
        flood.send(b"GET /block/0.01 HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
        assert flood.socket.recv(1) == b"H"
        for _ in range(10):
            assert other.ask("/live").status == 200
        # all but the first, whose beginning is read, would be here if the flood had gone first
        assert flood.socket.recv(1024 * 1024).count(b"HTTP/1.1 200 OK") < 299


def test_fast_reader_of_a_long_stream_starves_nobody(service: Service) -> None:
    with (
        Wire(service.port) as reader,
        Wire(service.port) as other,
        ThreadPoolExecutor(1) as threads,
    ):
        reader.get("/stream/200000")
        read = threads.submit(reader.read)
        for _ in range(10):
            assert other.ask("/live").status == 200
        assert not read.done()
        assert read.result().body.endswith(b"\n199999\n")


# More clients than there may be


def test_connections_beyond_the_limit_wait() -> None:
    with probe("--worker-connections 3") as service, ExitStack() as stack:
        kept = [stack.enter_context(Wire(service.port)) for _ in range(3)]
        for wire in kept:
            wire.ask("/live")
        waiting = stack.enter_context(Wire(service.port))
        waiting.get("/live")
        waiting.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            waiting.read()
        assert kept[0].ask("/live").status == 200
        kept[1].socket.close()
        waiting.socket.settimeout(HANG)
        assert waiting.read().status == 200


@contextmanager
def without_descriptors() -> Iterator[tuple[Service, list[Wire]]]:
    """A worker that may have forty, and sixty clients who ask."""
    port = free_port()
    argv = ["prlimit", "--nofile=40:400", sys.executable, "-m", "gunicorn"]
    settings = {"GUNICORN_WORKER_CLASS": "greenlet", "GUNICORN_WORKERS": "1", "PORT": str(port)}
    env = environment(None, **settings)
    argv += ["-c", "gunicorn.conf.py", PROBE]
    with running(argv, port, cwd=ROOT, env=env) as service, ExitStack() as stack:
        wires = [stack.enter_context(Wire(port)) for _ in range(60)]
        for wire in wires:
            wire.get("/live")
        eventually(lambda: "Too many open files" in service.log)
        yield service, wires


def test_lack_of_file_descriptors_ends_nothing() -> None:
    with without_descriptors() as (service, wires):
        assert service.log.count("Too many open files") < 10
        for wire in wires:
            assert wire.read().status == 200
            wire.socket.close()
        assert_others_are_served(service)
        assert service.log.count("Booting worker") == 1


def test_worker_finds_that_there_are_descriptors_again_though_nobody_goes() -> None:
    with without_descriptors() as (service, wires):
        for worker in workers_of(service):
            resource.prlimit(worker, resource.RLIMIT_NOFILE, (400, 400))
        for wire in wires:
            assert wire.read().status == 200


# More requests than are worked on at a time


SLOTS = 16  # eight for a connection, of which there are two


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[FileIO]:
    """A named pipe, for requests that wait until the test writes to it."""
    os.mkfifo(tmp_path / "pipe")
    with FileIO(tmp_path / "pipe", "r+") as pipe:
        yield pipe


def test_requests_beyond_the_slots_wait_their_turn(pipe: FileIO) -> None:
    # however long that takes on a busy machine
    with (
        probe(DB_POOL_SIZE="2", PATIENCE=str(HANG), LONGEST=str(HANG)) as service,
        service.asked([f"/wait/{pipe.name}"] * 4 * SLOTS) as replies,
    ):
        eventually(lambda: f"{SLOTS} wait\n" in service.log)
        time.sleep(0.3)  # in which others would come in
        pipe.write(b"go on")
        assert max(int(reply.result().body) for reply in replies) == SLOTS


def test_requests_beyond_stuck_slots_wait_a_moment_only(pipe: FileIO) -> None:
    paths = [f"/wait/{pipe.name}"] * SLOTS
    with (
        # where slots are given back they would wait for longer than a test does
        probe(DB_POOL_SIZE="2", LONGEST=str(2 * HANG)) as service,
        service.asked(paths) as stuck,
    ):
        eventually(lambda: f"{SLOTS} wait\n" in service.log)
        for _ in range(5):
            assert service.get("/live").status == 200
        with service.asked(paths[:4]):
            eventually(lambda: f"{SLOTS + 4} wait\n" in service.log)
            assert not any(reply.done() for reply in stuck)
            pipe.write(b"go on")
