"""What operators see of each request: its line in the log, its count in the metrics."""

import fcntl
import glob
import json
import logging
import logging.config
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families

from products_service import waiting
from products_service.database.errors import DatabaseBusyError, DatabaseError, DatabaseTimeoutError
from products_service.logs import logging_config
from products_service.ops import multiprocess
from products_service.web.failures import Failures
from products_service.web.request_ids import ENVIRON_KEY
from tests.conftest import Database, make_app
from tests.programs import ROOT, environment
from tests.waiting import HANG


def samples(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Return the metrics' values by name and label values."""
    text = client.get("/metrics").get_data(as_text=True)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_request_is_a_line(client: FlaskClient, capfd: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/products?page=2&count=3", headers={"X-Request-ID": "mine"})
    entry = json.loads(capfd.readouterr().err)
    assert entry.pop("timestamp").endswith("+00:00")
    assert 0 < entry.pop("statement_ms") < entry.pop("duration_ms")
    assert entry == {
        "level": "info",
        "event": "request",
        "request_id": "mine",
        "method": "GET",
        "path": "/products?page=2&count=3",
        "route": "/products",
        "status": 200,
        "bytes": len(answer.data),
    }


def test_a_path_is_logged_as_it_was_sent(
    client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    client.get("/products/1%3Fpage=2")
    assert json.loads(capfd.readouterr().err)["path"] == "/products/1%3Fpage=2"


@pytest.mark.parametrize("known", [True, False])
def test_an_answer_without_a_body_has_no_bytes(
    client: FlaskClient, capfd: pytest.CaptureFixture[str], known: bool
) -> None:
    tag = client.get("/products").headers["ETag"]
    capfd.readouterr()
    answer = (
        client.get("/products", headers={"If-None-Match": tag})
        if known
        else client.head("/products")
    )
    entry = json.loads(capfd.readouterr().err)
    assert (entry["status"], entry["bytes"]) == (answer.status_code, 0)
    assert answer.status_code == (304 if known else 200)


def test_what_a_client_sends_does_not_break_the_line(
    client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    client.get('/no%0A"thing%ff\u65e5?' + "q" * 5000)
    line = capfd.readouterr().err
    assert line.count("\n") == 1
    assert len(line) < 4096
    entry = json.loads(line)
    assert len(entry["path"]) == 600
    assert (entry["status"], entry["route"], entry["statement_ms"]) == (404, None, 0)


def test_lines_can_be_text(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    app = make_app(database, LOG_FORMAT="text")
    app.test_client().get("/live%0A?a=é")
    line = capfd.readouterr().err
    assert line.count("\n") == 1
    assert "GET '/live%0A?a=" in line
    assert " 404 " in line


def test_lines_can_be_left_out(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    make_app(database, ACCESS_LOG="off").test_client().get("/live")
    assert capfd.readouterr().err == ""


def test_a_reader_that_went_away_fails_no_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr("products_service.web.access_log.STDERR", writing)
    assert client.get("/live").status_code == 200
    os.close(writing)


def test_requests_and_statements_are_counted(client: FlaskClient) -> None:
    client.get("/live")
    before = samples(client)
    began = time.monotonic()
    for path in ("/products", "/products?count=7", "/products/1", "/nonsense", "/products?page=x"):
        client.get(path)
    elapsed = time.monotonic() - began
    after = samples(client)

    def grown(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    requests = "products_request_duration_seconds_count"
    assert grown(requests, "/products", "200") == 2
    assert grown(requests, "/products", "400") == 1
    assert grown(requests, "/products/<id:product_id>", "404") == 1
    assert grown(requests, "none", "404") == 1
    statements = "products_statement_duration_seconds_count"
    assert grown(statements, "list_products") == 2
    assert grown(statements, "get_product") == 1
    statement = grown("products_statement_duration_seconds_sum", "list_products")
    request = grown("products_request_duration_seconds_sum", "/products", "200")
    assert 0 < statement < request < elapsed
    assert after[("products_pool_connections_in_use",)] == 0
    assert after[("products_pool_connections_max",)] == 4
    assert after[("products_load_number",)] == 0


def test_statements_without_an_answer_are_counted(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = app.test_client()
    held = [app.extensions["database"]._pool._pool.connection() for _ in range(4)]
    key = ("products_database_errors_total", DatabaseBusyError.kind)
    before = samples(client).get(key, 0)
    assert client.get("/products/1", headers={"X-Request-ID": "mine"}).status_code == 503
    assert samples(client)[key] == before + 1
    for connection in held:
        connection.close()
    [record] = caplog.records
    assert (record.request_id, record.kind, record.not_logged) == ("mine", "busy", 0)


def test_failures_are_counted_from_nothing(client: FlaskClient) -> None:
    """Prometheus would not see a count grow that is not there before the first failure."""
    kinds = {key[1] for key in samples(client) if key[0] == "products_database_errors_total"}
    assert kinds == {error.kind for error in DatabaseError.__subclasses__()}


def test_a_flood_of_failures_is_a_line_a_second(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times = iter([100, 100.1, 100.9, 101, 101.1])
    monkeypatch.setattr("products_service.web.failures.time.monotonic", lambda: next(times))
    failures = Failures()
    with app.test_request_context(environ_overrides={ENVIRON_KEY: "mine"}):
        statuses = [failures.answer(DatabaseBusyError("busy")).status_code for _ in range(4)]
        statuses.append(failures.answer(DatabaseTimeoutError("slow")).status_code)
    assert statuses == [503, 503, 503, 503, 504]
    said = [(record.kind, record.cause, record.not_logged) for record in caplog.records]
    assert said == [("busy", "busy", 0), ("busy", "busy", 2), ("timeout", "slow", 0)]


def test_metrics_can_be_left_out(database: Database) -> None:
    app = make_app(database, METRICS="off")
    assert app.test_client().get("/products").status_code == 200
    for method in ("GET", "OPTIONS", "POST"):
        assert app.test_client().open("/metrics", method=method).status_code == 404
    app.extensions["database"].close()


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_defect_is_logged_with_its_cause(
    app: Flask, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    def fail() -> None:
        password = "open" + " sesame"  # a value that stands nowhere in the code
        raise RuntimeError(f"the cause, {len(password)}")

    app.add_url_rule("/defect", view_func=fail)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logging.config.dictConfig(logging_config("warning", form))
        answer = app.test_client().get("/defect", headers={"X-Request-ID": "mine"})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert answer.status_code == 500
    assert "the cause" not in answer.get_data(as_text=True)
    said = capsys.readouterr().err
    assert all(part in said for part in ("the cause", "mine", "/defect"))
    assert "open sesame" not in said
    if form == "json":
        entry = next(json.loads(line) for line in said.splitlines() if "cause" in line)
        assert (entry["event"], entry["level"]) == ("request failed", "error")
        assert entry["request_id"] == "mine"


def test_a_worker_that_is_just_beginning_to_count_fails_nobody(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    file = tmp_path / "histogram_1.db"
    file.touch()
    monkeypatch.setattr(multiprocess, "PATIENCE", HANG)
    monkeypatch.setattr(waiting, "pause", lambda _: file.write_bytes(bytes(64)))
    assert client.get("/metrics").status_code == 200
    assert file.stat().st_size


def test_without_a_folder_for_counts_there_are_no_files(tmp_path: Path) -> None:
    """An empty variable is one that is not set, as everywhere."""
    told = "from products_service.ops import multiprocess; print(multiprocess.exposition())"
    asked = subprocess.run(
        [sys.executable, "-c", told],
        cwd=tmp_path,
        env=environment(None, PROMETHEUS_MULTIPROC_DIR="", PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert "products_pool_connections_max 0.0" in asked.stdout
    assert not list(tmp_path.iterdir())


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which three workers have counted."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for kind, metric, name in (
        ("counter", "things", "things_total"),
        ("histogram", "seconds", "seconds_sum"),
    ):
        key = mmap_key(metric, name, ["kind"], ["good"], "What there is.")
        for pid in (1, 2, 3):
            file = MmapedDict(str(tmp_path / f"{kind}_{pid}.db"))
            file.write_value(key, 1.5 * pid, 0)
            file.close()
    return tmp_path


def test_what_workers_that_have_ended_have_counted_is_in_one_file(counted: Path) -> None:
    before = multiprocess.exposition()
    assert b'things_total{kind="good"} 9.0' in before
    for pid in (1, 3):
        multiprocess.forget(pid)
    names = {file.name for file in counted.iterdir()}
    assert names == {
        f"{kind}_{who}.db" for kind in ("counter", "histogram") for who in ("2", "ended")
    }
    assert sorted(multiprocess.exposition().splitlines()) == sorted(before.splitlines())


def test_of_a_worker_that_has_ended_no_gauges_and_no_empty_file_are_left(counted: Path) -> None:
    """For an empty one all who add up would wait, as for that of a worker that is beginning."""
    (counted / "gauge_livesum_1.db").write_bytes(bytes(64))
    (counted / "counter_4.db").touch()
    for pid in (1, 4):
        multiprocess.forget(pid)
    assert not [*counted.glob("*_1.db"), *counted.glob("*_4.db")]
    assert b'things_total{kind="good"} 9.0' in multiprocess.exposition()


def test_nobody_waits_for_who_adds_up_and_stands_still(counted: Path) -> None:
    before = multiprocess.exposition()
    descriptor = os.open(counted, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    multiprocess.forget(1)
    os.close(descriptor)
    assert (counted / "counter_1.db").exists()
    assert multiprocess.exposition() == before


def test_a_file_of_counts_that_goes_while_they_are_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a worker that ended before it had counted anything."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(multiprocess, "PATIENCE", HANG)
    listed = [[str(tmp_path / "summary_1.db")]]
    monkeypatch.setattr(glob, "glob", lambda _: listed.pop() if listed else [])
    assert multiprocess.exposition() == b""
    assert not listed
