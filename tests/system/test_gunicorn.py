"""What the service's processes do together: count, log, and refuse what is no request."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import PATIENT, Database
from tests.http.example_catalogue import ROWS
from tests.programs import ROOT, environment
from tests.servers import children
from tests.sessions import catalogue_locked
from tests.system.fleet import receive_all
from tests.system.service import Service, serving
from tests.waiting import HANG, wait_for

REQUESTS = 40
COUNT = "products_request_duration_seconds_count"


@pytest.fixture(scope="module")
def loaded(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A database with products, so that requests get as far as an answer."""
    folder = tmp_path_factory.mktemp("catalogue")
    load_catalogue(shared_database.etl, write_catalogue(folder / "files", ROWS), folder)
    return shared_database


@pytest.fixture(scope="module", params=["gthread", "greenlet"])
def service(loaded: Database, request: pytest.FixtureRequest) -> Iterator[Service]:
    with serving(loaded, GUNICORN_WORKER_CLASS=request.param) as service:
        yield service
        time.sleep(0.5)  # longer than a worker keeps its lines to itself
        assert '"level":"error"' not in service.log.replace('": "', '":"'), "there was a defect"
        assert service.get("/live").status == 200


def test_who_is_stopped_before_gunicorn_serves_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM between the making of the folder of counts and gunicorn's own handlers."""
    program = (
        "import os, runpy, signal\n"
        "runpy.run_path('gunicorn.conf.py')\n"
        "assert os.listdir(os.environ['RUN_DIR'])\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(None, RUN_DIR=str(tmp_path)),
        check=False,
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


def requests_counted(service: Service, route: str) -> float:
    families = text_string_to_metric_families(service.get("/metrics").body.decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == COUNT and sample.labels["route"] == route
    )


def test_workers_count_together(service: Service) -> None:
    # Of a route that nobody else has just asked: that would be counted in a moment, too.
    before = requests_counted(service, "/ready")
    for _ in range(REQUESTS):
        service.get("/ready")
    # They tell each other some times a second.
    wait_for(lambda: requests_counted(service, "/ready") == before + REQUESTS)
    # Each worker that is asked knows of all.
    for _ in range(8):
        assert requests_counted(service, "/ready") == before + REQUESTS


def test_counts_of_who_has_not_begun_to_count(loaded: Database, tmp_path: Path) -> None:
    settings = {"GUNICORN_WORKER_CLASS": "greenlet", "GUNICORN_WORKERS": "1"}
    settings |= {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with serving(loaded, application="tests.system.unhurried:application", **settings) as service:
        service.wait_for_status(200, "/metrics")
        (worker,) = children(service.process.pid)
        begun = tmp_path / f"summary_{worker}.db"
        begun.touch()
        with service.asked(["/metrics"]) as (reply,):
            time.sleep(0.1)
            # while it waits for what that worker writes, others are answered
            assert service.get("/live").status == 200
            assert not reply.done()
            begun.unlink()
            assert reply.result().status == 200
        begun.touch()
        os.kill(worker, signal.SIGKILL)
        service.wait_for_status(200, "/metrics")
        assert not begun.exists()


def test_a_folder_of_counts_that_was_removed_ends_no_host(loaded: Database, tmp_path: Path) -> None:
    folder = tmp_path / "counts"
    folder.mkdir()
    settings = {"GUNICORN_WORKERS": "2", "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with serving(loaded, **settings) as service:
        # the first one may answer before there is a second one, and before that one counts
        wait_for(lambda: len(list(folder.glob("counter_*.db"))) == 2)
        service.wait_for_status(200, "/ready")
        shutil.rmtree(folder)
        killed = set(children(service.process.pid))
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        wait_for(lambda: len(set(children(service.process.pid)) - killed) == 2)
        service.wait_for_status(200, "/products/1")
        service.wait_for_status(200, "/metrics")


@pytest.mark.parametrize("worker_class", ["gthread", "greenlet"])
def test_what_cannot_be_counted_changes_no_answer(loaded: Database, worker_class: str) -> None:
    # long enough for what waits for nobody
    settings = PATIENT | {"DB_STATEMENT_TIMEOUT_MS": "2000", "GUNICORN_WORKER_CLASS": worker_class}
    with serving(loaded, application="tests.system.uncountable:application", **settings) as service:
        assert service.get("/products/1", {"X-Request-ID": "uncounted"}).status == 200
        with catalogue_locked(loaded):
            late = service.get("/products/1", {"X-Request-ID": "late"})
        assert (late.status, late.is_problem) == (504, True)
        logged = (r'"request_id":"uncounted"', r'"request_id":"late"', "could not be noted")
        wait_for(lambda: all(text in service.log for text in logged))


def test_every_line_of_the_log_is_json(service: Service) -> None:
    service.get("/live", {"X-Request-ID": "in-the-log"})
    service.get("/products/1")
    [(_, headers, _)] = read_answers(exchange(service, b"nonsense\r\n\r\n"))
    wait_for(lambda: all(text in service.log for text in ("in-the-log", '"/products/1"')))
    entries = [json.loads(line) for line in service.log.splitlines()]
    assert all({"timestamp", "level", "event"} <= entry.keys() for entry in entries)
    [entry] = [entry for entry in entries if entry.get("request_id") == "in-the-log"]
    assert (entry["route"], entry["status"]) == ("/live", 200)
    assert any("Invalid request" in entry["event"] for entry in entries)
    [refused] = [entry for entry in entries if entry.get("request_id") == headers["X-Request-ID"]]
    assert (refused["event"], refused["status"]) == ("request refused", 400)


@pytest.mark.parametrize(("level", "is_told"), [("info", True), ("warning", False)])
def test_what_is_below_the_level_is_not_logged(loaded: Database, level: str, is_told: bool) -> None:
    with serving(loaded, LOG_LEVEL=level) as service:
        service.get("/products/1")
        wait_for(lambda: '"/products/1"' in service.log)
        assert ("Booting worker" in service.log) is is_told


def exchange(service: Service, sent: bytes) -> bytes:
    """Send these bytes and no more on a connection of their own; return all that comes back."""
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout=HANG)) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        # what was sent beyond what was read makes the kernel answer the close with a reset
        return receive_all(connection)


ANSWER = re.compile(
    rb"HTTP/1\.[01] (?P<status>[0-9]{3}) [ -~]+\r\n"
    rb"(?P<headers>([!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\x20-\xff]*\r\n)*)\r\n"
)


def read_answers(received: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Return status, headers and body of each answer; fail on what is none."""
    answers = []
    while received:
        head = ANSWER.match(received)
        assert head, received
        lines = head["headers"].decode("latin-1").splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers["Content-Length"])
        body = received[head.end() : head.end() + length]
        assert len(body) == length
        answers.append((int(head["status"]), headers, body))
        received = received[head.end() + length :]
    return answers


def check(service: Service, sent: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Send bytes; whatever is answered is an answer of ours, and none is a defect's."""
    answers = read_answers(exchange(service, sent))
    for status, headers, body in answers:
        assert status != 500
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-ID"]
        if status >= 400:
            assert headers["Content-Type"] == "application/problem+json"
            assert json.loads(body)["status"] == status
        assert b"Traceback" not in body
    return answers


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: sparkling\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused_as_a_problem(
    service: Service, sent: bytes, status: int
) -> None:
    [(answered, headers, body)] = check(service, sent)
    assert answered == status
    assert headers["Connection"] == "close"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Security-Policy"]
    problem = json.loads(body)
    assert problem["instance"] == f"urn:request:{headers['X-Request-ID']}"
    assert problem["type"] != "urn:problem-type:invalid-parameter"


FUZZ = settings(max_examples=100)
CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"


@FUZZ
@given(path=st.binary(max_size=60))
@example(b"%ff%00")
@example(b"/products/\xd9\xa1")
@example(b"/products/1%2fstyles")
@example(b"//products")
@example(b"*")
@example(b"http://[::1/products")
def test_any_bytes_as_a_path(service: Service, path: bytes) -> None:
    assert check(service, b"GET /" + path + b" HTTP/1.1\r\n" + CLOSE)
    assert check(service, b"GET " + path + b" HTTP/1.1\r\n" + CLOSE)


@FUZZ
@given(query=st.binary(max_size=60), name=st.sampled_from([b"page", b"count", b"q", b"ids", b""]))
@example(b"%ff", b"page")
@example(b"%00", b"q")
@example(b"1&page=1", b"page")
def test_any_bytes_as_a_query(service: Service, name: bytes, query: bytes) -> None:
    assert check(service, b"GET /products?" + name + b"=" + query + b" HTTP/1.1\r\n" + CLOSE)
    assert check(service, b"GET /products/1?" + query + b" HTTP/1.1\r\n" + CLOSE)


HEADERS = [
    *(b"If-None-Match", b"Accept-Encoding", b"X-Request-ID", b"Origin", b"Range", b"Accept"),
    *(b"Cookie", b"Content-Length", b"Transfer-Encoding", b"Expect", b"X-Forwarded-For", b"Host"),
    *(b"SCRIPT_NAME", b"PATH_INFO", b"X-Forwarded-Proto", b"Content-Type", b"Upgrade", b"If-Match"),
]


@FUZZ
@given(name=st.sampled_from(HEADERS) | st.binary(max_size=20), value=st.binary(max_size=60))
@example(b"Content-Length", b"-1")
@example(b"Content-Type", b"\xff")
@example(b"Host", b"[")
@example(b"Cookie", b"=\xff;")
@example(b"Range", b"bytes=5-1")
@example(b"SCRIPT_NAME", b"/elsewhere")
def test_any_bytes_as_a_header(service: Service, name: bytes, value: bytes) -> None:
    for method in (b"GET", b"OPTIONS"):
        head = method + b" /products/1 HTTP/1.1\r\nConnection: close\r\n"
        check(service, head + name + b": " + value + b"\r\n\r\n")


@FUZZ
@given(method=st.binary(min_size=1, max_size=12))
def test_any_bytes_as_a_method(service: Service, method: bytes) -> None:
    assert check(service, method + b" /products HTTP/1.1\r\n" + CLOSE)


@FUZZ
@given(sent=st.binary(max_size=300))
def test_any_bytes_at_all(service: Service, sent: bytes) -> None:
    check(service, sent)
    check(service, sent + b"\r\n\r\n")
