"""What a load prints: progress, the summary, for people and for programs."""

import io
import json
import os
import pty
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from etl.commands.summary import summarise
from etl.outcome import Outcome
from etl.progress import Bars, Lines
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import (
    COUNTS,
    SUMMARY,
    account,
    add_bad_lines,
    add_long_bad_lines,
    command,
    flask_etl,
    served,
)
from tests.waiting import HANG


class Terminal(io.StringIO):
    """What is written to it, as to a terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


# what takes a second or more says at its end how long it took
PUBLISHED_LAST = re.compile(r".*^publishing\n(publishing: [\d.]+ s\n)?", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("published", [True, None, False])
def test_nothing_is_removed_by_what_was_not_published(published: bool | None) -> None:
    load = Outcome(Path("changes"), removed={"products": 1}, published=published)
    assert summarise(load)["removed"] == ({} if published is False else {"products": 1})


def test_quiet_shows_no_progress_but_the_summary(
    shared_database: Database, folder: Path, reports: Path
) -> None:
    quiet = flask_etl(shared_database, "load", folder, "--report", reports, "--quiet")
    assert quiet.returncode == 0
    assert quiet.stderr == ""
    assert account(quiet.stdout) == SUMMARY | {"total": (18, 18, 0, 0)}
    said = flask_etl(shared_database, "load", folder, "--report", reports)
    assert said.returncode == 0
    for name in SUMMARY:
        size = (folder / name).stat().st_size
        assert f"reading {name}, {size} bytes\n" in said.stderr
    assert PUBLISHED_LAST.fullmatch(said.stderr)
    assert account(said.stdout) == account(quiet.stdout)


@pytest.mark.parametrize("status", [0, 1])
def test_bars_on_a_terminal(
    shared_database: Database, folder: Path, reports: Path, status: int
) -> None:
    if status:
        add_long_bad_lines(folder)
        (reports / "rejects.csv").symlink_to("/dev/full")
    controller, terminal = pty.openpty()
    keywords = command(shared_database, "load", folder, "--report", reports)
    with subprocess.Popen(**keywords | {"stderr": terminal}) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(controller, 4096)
            except OSError:  # the other end is closed
                break
        os.close(controller)
        process.communicate(timeout=HANG)
    assert process.returncode == status
    lines = shown.decode().splitlines()
    whole = {name for name in SUMMARY for line in lines if name in line and "100%" in line}
    assert whole == set(list(SUMMARY)[: 3 if status else 6])
    # The bar that was cut short gives the cursor back and is not written over.
    hidden, visible = "\x1b[?25l", "\x1b[?25h"
    assert visible in shown.decode().rpartition(hidden)[2]
    assert any(line.startswith("Error: ") for line in lines) == bool(status)


@pytest.mark.parametrize(
    ("size", "part", "shown"),
    [
        (300_000, 100_000, "0.1 of 0.3 MB"),
        (1_055_400_000, 500_000_000, "500 of 1,055 MB"),
    ],
)
def test_bars_say_how_much_is_read_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, size: int, part: int, shown: str
) -> None:
    now = 100.0
    monkeypatch.setattr("time.time", lambda: now)  # which is what click goes by
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    bars = Bars()
    bars.begin_file("reading products.csv", size)
    now += 2
    bars.advance(part)
    now += 2
    bars.advance(size - part)
    bars.end_file()
    *_, during, done = terminal.getvalue().split("\r\x1b[?25l")
    assert re.fullmatch(rf"reading products.csv .*%  00:00:0\d  {re.escape(shown)} *", during)
    assert len(during.rstrip()) <= 80
    whole = shown.partition(" of ")[2]
    assert f" 100%  {whole.removesuffix(' MB')} of {whole} " in done


def test_lines_say_how_far_it_is_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("etl.progress.time.monotonic", lambda: now)
    lines = Lines()
    lines.begin_file("reading skus.csv", 4_000_000)
    now += 4
    lines.advance(500_000)  # too early to say anything
    now += 2
    lines.advance(500_000)
    assert capsys.readouterr().err == (
        "reading skus.csv, 4,000,000 bytes\nreading skus.csv: 25%, about 18 s left\n"
    )


def test_a_bar_within_a_step_stands_on_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    bars = Bars()
    with bars.step("checking skus.csv"):
        bars.begin_file("listing skus.csv", 3, "rows")
        bars.advance(3)
        bars.end_file()
    with bars.step("analysing"):
        pass
    before, bar, step, last, end = terminal.getvalue().split("\n")
    assert before == "checking skus.csv "
    assert bar.startswith("\r\x1b[?25llisting skus.csv")
    assert re.fullmatch(r"checking skus\.csv \d\.\d s", step)
    assert re.fullmatch(r"analysing \d\.\d s", last)
    assert end == ""


@pytest.mark.parametrize(("count", "shown"), [(29_999, False), (30_000, True)])
def test_listing_many_rejects_shows_how_far_it_is(
    database: Database, folder: Path, reports: Path, count: int, shown: bool
) -> None:
    orphans = "".join(f"{id_},999999,XL,8\n" for id_ in range(1, count + 1))
    (folder / "skus.csv").write_text("id,style_id,size,quantity\n" + orphans)
    done = flask_etl(database, "load", folder, "--report", reports, "--max-rejects", "100%")
    assert done.returncode == 0
    said = f"checking skus.csv\nlisting skus.csv, {count:,} rows\n"
    assert (said in done.stderr) == shown
    assert ("listing" in done.stderr) == shown


def test_a_folder_whose_name_is_not_utf8(database: Database, folder: Path, reports: Path) -> None:
    odd = reports / os.fsdecode(b"\xff d\xe9p\xf4t")
    add_bad_lines(folder, 1, 5)
    folder.rename(odd)
    done = flask_etl(database, "load", odd, "--report", odd)
    assert done.returncode == 0, done.stderr
    assert "/rejects.csv\n" in done.stdout
    (line,) = flask_etl(database, "history").stdout.splitlines()
    assert line.endswith(r"/\xff d\xe9p\xf4t")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_name_that_standard_output_cannot_show(
    shared_database: Database, folder: Path, reports: Path, encoding: str
) -> None:
    add_bad_lines(folder, 1, 5)
    variables = shared_database.environment | {"PYTHONIOENCODING": encoding}
    shown = SimpleNamespace(environment=variables)
    done = flask_etl(shown, "load", folder, "--report", reports / "\u043e\u0442")
    assert done.returncode == 0, done.stderr
    # click has UTF-8 in place of ASCII
    name = r"\u043e\u0442" if encoding == "latin-1" else "\u043e\u0442"
    assert f"Repaired and rejected lines: {reports}/{name}/rejects.csv\n" in done.stdout


STEPS = ["read", "check", "index", "analyse", "digest", "publish"]
FIGURES = [*COUNTS, "seconds", "rows_per_second"]


def test_steps_are_timed(shared_database: Database, folder: Path, reports: Path) -> None:
    done = flask_etl(shared_database, "load", folder, "--report", reports, "--quiet")
    lines = [line.split() for line in done.stdout.splitlines()]
    steps = lines[lines.index(["step", "seconds"]) + 1 : -1]
    assert [name for name, _ in steps] == [*STEPS, "total"]
    *seconds, total = (float(shown) for _, shown in steps)
    assert 0 < sum(seconds) <= total + 0.05


def test_json(shared_database: Database, folder: Path, reports: Path) -> None:
    add_bad_lines(folder, 1, 4)
    done = flask_etl(shared_database, "load", folder, "--report", reports, "--json")
    assert done.returncode == 0
    assert PUBLISHED_LAST.fullmatch(done.stderr)
    summary = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    number, digest = served(shared_database)
    assert (summary["number"], summary["digest"]) == (number, digest)
    assert summary["published"] is True
    assert summary["error"] is None
    assert summary["mode"] == "replace"
    assert summary["source"] == str(folder.resolve())
    assert summary["rejects"] == f"{reports}/rejects.csv"
    assert summary["removed"] == {}
    assert list(summary["steps"]) == STEPS
    assert sum(summary["steps"].values()) <= summary["seconds"] + 0.01
    assert list(summary["files"]) == list(SUMMARY)
    for name, figures in (summary["files"] | {"total": summary["totals"]}).items():
        expected = SUMMARY | {"photos.csv": (5, 4, 0, 1), "total": (20, 19, 0, 1)}
        assert list(figures) == FIGURES
        assert tuple(figures[name] for name in COUNTS) == expected[name]
        assert figures["seconds"] > 0
        assert figures["rows_per_second"] > 0


def test_json_of_an_upsert(database: Database, folder: Path, reports: Path) -> None:
    load_catalogue(database.etl, folder, reports)
    (folder / "products.csv").write_text(
        "id,name,slogan,description,category,default_price,deleted\n2,x,,,,1,t\n"
    )
    for name in set(SUMMARY) - {"products.csv"}:
        (folder / name).unlink()
    arguments = ("--mode", "upsert", "--report", reports, "--json", "--quiet")
    summary = json.loads(flask_etl(database, "load", folder, *arguments).stdout)
    assert summary["published"] is True
    assert (summary["number"], summary["mode"]) == (2, "upsert")
    assert list(summary["files"]) == ["products.csv"]
    assert list(summary["steps"]) == ["read", "check", "merge"]
    assert summary["removed"]["products"] == 1
    assert summary["removed"]["styles"] == 1
    assert summary["rejects"] is None


def test_json_of_a_load_that_fails(loaded: Database, folder: Path, reports: Path) -> None:
    add_bad_lines(folder, 11, 4)
    done = flask_etl(loaded, "load", folder, "--report", reports, "--json", "--quiet")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert summary["published"] is False
    assert summary["number"] is None
    assert summary["digest"] is None
    assert summary["error"] == done.stderr.removeprefix("Error: ").removesuffix("\n")
    assert summary["error"].startswith("photos.csv: 11 of 15 rows rejected, ")
    assert list(summary["files"]) == list(SUMMARY)[:4]
    assert list(summary["steps"]) == ["read", "check"]


def test_json_of_a_load_that_does_not_begin(loaded: Database, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"d\xe9p\xf4t")
    done = flask_etl(loaded, "load", odd, "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert summary["published"] is False
    assert "no such folder" in summary["error"]
    assert summary["source"].endswith(r"/d\xe9p\xf4t")
    assert summary["files"] == {}
    assert summary["totals"]["read"] == 0
