"""How much memory a load takes: as much for large files as for small ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.etl.loads import command, flask_etl

pytestmark = pytest.mark.slow

# Whose files are about 2 and 120 MB.
SMALL, LARGE = 1_000, 50_000  # products


# Runs a program and says how much memory it had at most, in kB. A process of its own, and a small
# one: what a program's parent has when it starts it counts as the program's.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def peak(database: Database, folder: Path, reports: Path) -> float:
    """Return the most memory that a load of a folder has had, in MB."""
    keywords = command(database, "load", folder, "--report", reports, "--quiet")
    keywords["args"] = [sys.executable, "-c", MEASURE, *keywords["args"]]
    done = subprocess.run(**keywords, check=True)
    return int(done.stdout) * 1024 / 1e6


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
