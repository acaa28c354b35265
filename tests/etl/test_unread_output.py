"""What a load prints where nobody reads it (`... | head -1`), or no disk has room for it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.etl.loads import AS_IT_WAS, add_bad_lines, command, served
from tests.waiting import HANG


def run_unread(database: Database, stream: str, *arguments: str | Path) -> tuple[int, str]:
    """Run the command with a pipe in place of a stream, which nobody reads; return how it ended,
    and what it said on the other one."""
    reader, writer = os.pipe()
    os.close(reader)
    keywords = command(database, *arguments)
    with subprocess.Popen(**keywords | {stream: writer}) as process:
        os.close(writer)
        said = "".join(text or "" for text in process.communicate(timeout=HANG))
    return process.returncode, said


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_summary_that_nobody_reads(
    shared_database: Database, folder: Path, reports: Path, form: tuple[str, ...]
) -> None:
    arguments = ("load", folder, "--report", reports, "--quiet", *form)
    status, said = run_unread(shared_database, "stdout", *arguments)
    number, digest = served(shared_database)
    assert status == 0
    first, _, summary = said.partition("\n")
    assert first == "The summary could not be printed: Broken pipe."
    if form:
        assert json.loads(summary)["number"] == number
    else:
        assert summary.endswith(f"Published as load {number}, digest {digest}.\n")


def test_a_summary_that_nobody_reads_of_a_load_that_fails(
    loaded: Database, folder: Path, reports: Path
) -> None:
    add_bad_lines(folder, 11, 4)
    status, said = run_unread(loaded, "stdout", "load", folder, "--report", reports, "--quiet")
    assert status == 1
    assert said.startswith("The summary could not be printed: Broken pipe.\n")
    assert said.endswith(AS_IT_WAS)
    assert "Exception ignored" not in said


def test_a_summary_on_a_full_disk(shared_database: Database, folder: Path, reports: Path) -> None:
    keywords = command(shared_database, "load", folder, "--report", reports, "--quiet")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(**keywords | {"stdout": full}, timeout=HANG, check=False)
    assert done.returncode == 0
    assert done.stderr.startswith("The summary could not be printed: No space left on device.\n")
    assert done.stderr.endswith(".\n")


@pytest.mark.parametrize("options", [["--quiet"], []])
def test_nothing_can_be_printed(
    shared_database: Database, folder: Path, reports: Path, options: list[str]
) -> None:
    """As of a load from cron, whose log is on a full disk: it is published all the same."""
    before, _ = served(shared_database)
    keywords = command(shared_database, "load", folder, "--report", reports, *options)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            **keywords | {"stdout": full, "stderr": full}, timeout=HANG, check=False
        )
    assert done.returncode == 0
    after, _ = served(shared_database)
    assert after == before + 1


def test_progress_that_nobody_reads_ends_the_load(
    loaded: Database, folder: Path, reports: Path
) -> None:
    status, said = run_unread(loaded, "stderr", "load", folder, "--report", reports)
    assert status == 1
    assert "Published" not in said
