"""`flask bench load` compares a load with its floor and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import readers, workshop
from benchmarks.errors import BenchmarkError
from benchmarks.memory import family, watching
from benchmarks.readers import Readers, Request
from products_service import embedded
from products_service.embedded.place import outside
from tests.benchmarks.bench import unhurried
from tests.servers import checkout
from tests.waiting import HANG, wait_for

ROOT = Path(__file__).parents[2]
WORKSHOP = Path("build/bench-load")


@pytest.fixture
def release() -> Iterator[Path]:
    """A folder like a release's, in which the benchmark may work."""
    with checkout() as folder:
        for name in ("migrations", "wsgi.py", "gunicorn.conf.py"):
            (folder / name).symlink_to(ROOT / name)
        unhurried(folder)
        try:
            yield folder
        finally:
            devdb = folder / WORKSHOP / "devdb"
            if devdb.is_dir():
                embedded.stop(devdb)


def command(folder: Path, *arguments: str) -> dict[str, Any]:
    """Return what starts `flask bench load ...` in a folder, as keywords for subprocess."""
    return {
        "args": [sys.executable, "-m", "flask", "bench", "load", *arguments],
        "cwd": folder,
        "env": os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def bench_load(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `flask bench load ...` to its end. A traceback is never an answer."""
    done = subprocess.run(**command(folder, *arguments), timeout=HANG, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def assert_no_trace(folder: Path) -> None:
    assert not (folder / WORKSHOP).exists()
    assert not outside((folder / WORKSHOP / "devdb").resolve()).exists()
    programs = Path("/proc").glob("[0-9]*/cmdline")
    running = [read(program) for program in programs]
    assert [argv for argv in running if str(folder) in argv and "postgres" in argv] == []
    assert not (folder / "rejects.csv").exists()


def read(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def test_load_floor_and_readers(release: Path) -> None:
    arguments = ("--products", "200", "--rounds", "2", "--readers", "2", "--output", "results")
    done = bench_load(release, *arguments)
    assert done.returncode == 0, done.stderr
    assert_no_trace(release)

    result = json.loads((release / "results" / "load.json").read_text("utf-8"))
    assert result["command"] == "flask bench load --products 200 --rounds 2 --readers 2"
    assert result["postgresql"]["fsync"] == "on"
    assert result["products"] == 200
    assert result["rows"] > 4_000
    assert result["repaired"] >= 1
    assert result["rejected"] >= 1
    assert len(result["rounds"]) == 2
    for each in result["rounds"]:
        load, floor = each["load"], each["floor"]
        assert {"read", "check", "index", "analyse", "digest", "publish"} <= set(load["steps"])
        assert list(floor["steps"]) == [
            *("copy", "primary keys", "foreign keys", "indexes", "analyse")
        ]
        for figures in (load, floor):
            assert 0 < sum(figures["steps"].values()) <= figures["seconds"] + 0.01
        assert each["ratio"] == pytest.approx(load["seconds"] / floor["seconds"], rel=0.1)
        # A Python with Flask and psycopg2 in it, and no more than that with a little data.
        assert 10 << 20 < load["peak_pss_bytes"] <= load["peak_rss_bytes"] < 200 << 20
    ratios = [each["ratio"] for each in result["rounds"]]
    assert min(ratios) <= result["ratio"] <= max(ratios)
    for when in ("before", "loading", "publishing"):
        figures = result["readers"][when]
        assert figures["requests"] > 10
        assert figures["errors"] == 0, figures["problems"]
        assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]
    assert "floor: step" in done.stdout
    assert "publishing" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cleans_up_when_it_is_told_to_end(release: Path, number: signal.Signals) -> None:
    with running_rounds(release) as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=HANG)
    assert process.returncode not in (0, -number)
    assert "Traceback" not in errors
    assert_no_trace(release)


@pytest.mark.slow
def test_the_next_run_cleans_up_after_one_that_was_killed(release: Path) -> None:
    with running_rounds(release) as process:
        refused = bench_load(release, "--products", "200", "--rounds", "1")
        assert refused.returncode == 1
        assert "another benchmark has " in refused.stderr
        process.kill()
    assert (release / WORKSHOP / "devdb").is_dir()
    done = bench_load(release, "--products", "200", "--rounds", "1", "--output", "results")
    assert done.returncode == 0, done.stderr
    assert_no_trace(release)
    assert json.loads((release / "results" / "load.json").read_text())["readers"] is None


@contextmanager
def running_rounds(release: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a run that has come to its rounds and would go on for long."""
    arguments = command(release, "--products", "200", "--rounds", "100")
    with subprocess.Popen(**arguments) as process:
        try:
            deadline = time.monotonic() + HANG
            while not (release / WORKSHOP / "clean_related.csv").exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def test_a_folder_without_the_service_is_refused(tmp_path: Path) -> None:
    done = bench_load(tmp_path)
    assert done.returncode == 1
    assert "there is no wsgi.py and no gunicorn.conf.py and no migrations here" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_full_is_refused(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_usage(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=10**9)

    monkeypatch.setattr(workshop.shutil, "disk_usage", disk_usage)
    with (
        pytest.raises(BenchmarkError, match=r"take about 26\.2 GB and .* has 1\.0 GB free"),
        workshop.own_workshop(release / WORKSHOP, 1_000_000),
    ):
        pass
    assert not (release / WORKSHOP).exists()


def test_memory_of_a_process_and_its_children() -> None:
    """Each takes 50 MB of its own; the second is the first one's child."""
    take = "x = bytearray(50 << 20); print(flush=True); input()"
    parent = (
        "import subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', {take!r}]); " + take
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", parent], **pipes) as process:
        assert [process.stdout.readline(), process.stdout.readline()] == ["\n", "\n"]
        assert len(family(process.pid)) == 2
        with watching(process.pid) as peak:
            wait_for(lambda: peak.proportional >= 100 << 20)
        process.communicate("\n\n")
    assert 100 << 20 <= peak.proportional <= peak.resident < 180 << 20


def test_what_readers_waited_in_a_span_of_time() -> None:
    waited = Readers(0, 1, [1])
    waited.requests = [Request(due, due * 10.0, None) for due in range(100)]
    waited.requests[50] = Request(50, 500.0, "503")
    figures = waited.figures([(0, 10), (50, 60)])
    assert figures["requests"] == 20
    assert figures["problems"] == {"503": 1}
    assert (figures["errors"], figures["max_ms"]) == (1, 590.0)
    assert figures["p50_ms"] == 90.0
    assert waited.figures([(200, 300)])["p99_ms"] is None


def test_readers_keep_their_pace_when_nobody_answers() -> None:
    """Each request is due when it would be if none before it had taken any time."""
    asking = Readers(9, 2, [1])  # a port that nothing listens on
    started = time.monotonic()
    with asking.reading():
        while len(asking.requests) < readers.PER_SECOND:
            assert time.monotonic() < started + HANG
            time.sleep(0.01)
    ended = time.monotonic()
    due = sorted(request.due for request in asking.requests)
    places = [(each - due[0]) * readers.PER_SECOND for each in due]
    turns = [round(place) for place in places]
    assert places == pytest.approx(turns, abs=0.001)
    for number in range(2):
        # one reader may be ahead of the other, but none leaves out a turn
        own = [turn for turn in turns if turn % 2 == number]
        assert own == list(range(number, own[-1] + 1, 2))
    assert started <= due[0] <= due[-1] <= ended
    assert {request.problem for request in asking.requests} == {"ConnectionRefusedError"}
