"""flask etl generate."""

import errno
import os
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.commands import etl
from etl.generate import FILES
from etl.progress import Progress
from etl.recipe import Block
from tests.conftest import Database
from tests.etl.loads import SUMMARY, account, flask_etl, started
from tests.waiting import HANG, wait_for


def test_generate_does_not_overwrite_unless_told(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    done = flask_etl(database, "generate", folder, "--products", "40", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    clean = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(clean) == set(SUMMARY)

    options = ("--products", "40", "--seed", "2", "--dirty")
    refused = flask_etl(database, "generate", folder, *options)
    assert refused.returncode == 1
    assert f"{folder} has products.csv, features.csv, " in refused.stderr
    assert "--force" in refused.stderr
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == clean

    forced = flask_etl(database, "generate", folder, *options, "--force")
    assert forced.returncode == 0
    dirty = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(dirty) == set(clean)
    assert dirty != clean

    report = tmp_path / "report"
    done = flask_etl(database, "load", folder, "--report", report)
    assert done.returncode == 0
    read = account(done.stdout)
    rows = {line.split()[0]: line.split()[1] for line in forced.stdout.splitlines()}
    assert {f"{table}.csv": int(count.replace(",", "")) for table, count in rows.items()} == {
        name: figures[0] for name, figures in read.items() if name != "total"
    }
    assert read["photos.csv"][2] >= 1
    assert read["related.csv"][3] >= 1
    for name in ("products.csv", "features.csv", "styles.csv", "skus.csv"):
        assert read[name][2:] == (0, 0)


def test_what_is_half_written_goes_with_a_generate_that_is_told_to_end(
    database: Database, tmp_path: Path
) -> None:
    arguments = ("generate", tmp_path / "generated", "--products", "1000011", "--quiet")
    with started(database, *arguments) as process:
        wait_for(lambda: any((tmp_path / "generated").glob(".generate-*/products.csv")))
        process.terminate()
        process.communicate(timeout=HANG)
    assert process.returncode == 128 + signal.SIGTERM
    assert not any((tmp_path / "generated").iterdir())


class Recorded(Progress):
    """Notes the files that are begun and ended."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended = 0

    def begin_file(self, what: str, size: int, unit: str = "bytes") -> None:
        self.begun.append(what)

    def end_file(self) -> None:
        self.ended += 1


def test_generate_that_fails_leaves_the_terminal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Recorded()
    command = sys.modules["etl.commands.generate"]  # the package has the command by that name
    monkeypatch.setattr(command, "choose_progress", lambda quiet: recorded)

    def fail(block: Block) -> list[str]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setitem(FILES, "features", ("id", fail))
    done = CliRunner().invoke(etl, ["generate", str(tmp_path / "new"), "--products", "10"])
    file = tmp_path / "new" / "features.csv"
    assert (done.exit_code, done.stderr) == (1, f"Error: {file}: No space left on device\n")
    assert recorded.begun == ["writing products", "writing features"]
    assert recorded.ended == 2


def test_generate_refuses_what_it_cannot_do(database: Database, tmp_path: Path) -> None:
    assert flask_etl(database, "generate", tmp_path / "x", "--products", "0").returncode == 2
    (tmp_path / "file").write_text("")
    done = flask_etl(database, "generate", tmp_path / "file", "--products", "1")
    assert done.returncode == 1
    assert "file" in done.stderr


def test_a_place_that_cannot_be_is_said_without_a_traceback(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "in", tmp_path / ("x" * 300)):
        done = flask_etl(database, "generate", folder, "--products", "3", "--quiet")
        assert done.returncode == 1
        assert done.stderr.startswith(f"Error: {folder}")
