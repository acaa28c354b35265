"""`flask bench report` makes a page that stands on its own of the results that are there."""

import base64
import errno
import json
import os
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import processes
from benchmarks.commands.options import telling
from benchmarks.errors import BenchmarkError
from benchmarks.report import origins
from benchmarks.results import record
from tests.benchmarks.bench import run
from tests.programs import ROOT

RESULTS = ROOT / "benchmarks" / "results"
SVG = "data:image/svg+xml;base64,"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the results that are committed, with a figure that is in no other place."""
    for path in RESULTS.glob("*.json"):
        shutil.copy(path, tmp_path)
    quick = json.loads((tmp_path / "quick.json").read_text("utf-8"))
    quick["routes"]["get_product"]["relative"] = 98765.4
    quick["stolen"] = 0.0123
    (tmp_path / "quick.json").write_text(json.dumps(quick), "utf-8")
    return tmp_path


def references(page: str) -> list[str]:
    """Return what a browser would fetch for the page."""
    assert not re.search(r"<(script|link|iframe|object|base)\b|@import|url\(|srcset", page)
    return re.findall(r"\b(?:src|href)\s*=\s*[\"']?([^\"'\s>]*)", page)


def test_page_of_all_results_needs_nothing_else(folder: Path) -> None:
    done = run(None, "report", "--output", folder)
    assert done.stdout == f"Written: {folder / 'report.html'} and report.md\n"
    page = (folder / "report.html").read_text("utf-8")
    charts = references(page)
    for chart in charts:
        assert chart.startswith(SVG)
        drawn = ElementTree.fromstring(base64.b64decode(chart.removeprefix(SVG)))
        assert drawn.tag.endswith("}svg")
    pictures = list(folder.glob("*.png"))
    text = (folder / "report.md").read_text("utf-8")
    assert sorted(re.findall(r"!\[.+?\]\((.+?)\)", text)) == sorted(each.name for each in pictures)
    assert len(pictures) == len(charts) > 5
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    for path in RESULTS.glob("*.json"):
        result = json.loads(path.read_text("utf-8"))
        assert f"<code>{result['command']}</code>, {result['started_at']}" in page
        assert f"`{result['command']}`, {result['started_at']}" in text
    for written in (page, text):
        assert "98765.40 times the yardstick" in written
        assert "of whose time 1.2% was stolen." in written


def test_report_that_is_committed_is_of_the_results_beside_it(tmp_path: Path) -> None:
    for path in RESULTS.glob("*.json"):
        shutil.copy(path, tmp_path)
    run(None, "report", "--output", tmp_path)
    assert (tmp_path / "report.md").read_text("utf-8") == (RESULTS / "report.md").read_text("utf-8")


def test_a_checkout_that_was_changed_is_another_origin() -> None:
    commit, machine = 40 * "a", {"cpu": "one"}
    results = {
        "peers": {"commit": commit, "machine": machine},
        "pool": {"commit": f"{commit}+", "machine": machine},
    }
    assert origins(results) == {
        "commit aaaaaaa on one": ["peers"],
        "commit aaaaaaa+ on one": ["pool"],
    }


def test_what_is_not_measured_is_said(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name not in ("quick.json", "features.json"):
            path.unlink()
    lines = run(None, "report", "--output", folder).stdout.splitlines()
    missing = ["index", "load", "peers", "pool", "rate", "growth", "include"]
    assert lines[:-1] == [f"not measured: flask bench {name}" for name in missing]
    page = (folder / "report.html").read_text("utf-8")
    assert references(page) == []
    assert "98765.40 times the yardstick" in page
    assert all(f"<code>flask bench {name}</code>" in page for name in missing)


def test_stolen_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  165553 0 25832 188154 1436 0 972 4066 0 0\ncpu0 1 0 0 0 0 0 0 9 0 0\n")
    monkeypatch.setattr(processes, "PROC", tmp_path)
    assert processes.stolen_seconds() == 4066 / os.sysconf("SC_CLK_TCK")
    stat.unlink()
    assert processes.stolen_seconds() == 0


def test_no_results_are_no_report(tmp_path: Path) -> None:
    said = run(None, "report", "--output", tmp_path, status=1).stderr
    assert f"there are no results in {tmp_path}" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", '{"benchmark": "pool", "mixes": {', '{"a": 1}', "[]"])
def test_a_part_of_a_result_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "pool.json").write_text(text, "utf-8")
    said = run(None, "report", "--output", tmp_path, status=1).stderr
    assert f"{tmp_path}/pool.json is no result of a benchmark" in said


def test_a_result_that_cannot_be_written_is_printed_and_leaves_the_last_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pool.json").write_text("the last one", "utf-8")
    (tmp_path / "pool.new").mkdir()  # as a full disk, which a file can be opened on
    with pytest.raises(BenchmarkError, match=r"pool\.json could not be written: Is a directory"):
        record("pool", "", tmp_path, lambda: {"found": 7})
    assert (tmp_path / "pool.json").read_text("utf-8") == "the last one"
    assert json.loads(capsys.readouterr().out)["found"] == 7


def test_a_reader_that_has_gone_is_no_error() -> None:
    """`flask bench report | head`: click itself ends quietly."""
    gone = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    with pytest.raises(BrokenPipeError), telling():
        raise gone
