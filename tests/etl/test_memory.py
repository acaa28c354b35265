"""How much memory a load takes: as much for large files as for small ones."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.etl.loads import command, flask_etl

pytestmark = pytest.mark.slow

# Whose files are about 2 and 120 MB.
SMALL, LARGE = 1_000, 50_000  # products


def peak(database: Database, folder: Path, reports: Path) -> float:
    """Return the most memory that a load of a folder has had, in MB."""
    keywords = command(database, "load", folder, "--report", reports, "--quiet")
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(**keywords | nowhere)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024 / 1e6


def test_it_does_not_grow_with_the_files(database: Database, tmp_path: Path) -> None:
    peaks, sizes = [], []
    for products in (SMALL, LARGE):
        folder = tmp_path / str(products)
        generate = ("generate", folder, "--products", str(products), "--dirty", "--quiet")
        assert flask_etl(database, *generate).returncode == 0
        sizes.append(sum(file.stat().st_size for file in folder.iterdir()) / 1e6)
        peaks.append(peak(database, folder, tmp_path))
    assert sizes[1] > 40 * sizes[0]
    # what is in hand at a time: a few blocks of a file, and the rows of a COPY
    assert peaks[1] < peaks[0] + 20, (peaks, sizes)
    assert peaks[1] < 150, peaks
