"""Who holds a run file is found, and nobody else: by several at once, and right at the start."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from products_service.run_file import find_holder, hold

# does something with a file, and stands still where it would call that function of `os`
STUCK = """
import os, sys
from pathlib import Path
from products_service import run_file

def stand_still(*_):
    print("here", flush=True)
    sys.stdin.read()

setattr(os, sys.argv[2], stand_still)
getattr(run_file, sys.argv[1])(Path(sys.argv[3]))
"""
DEAD = b"04194305\n"


@contextmanager
def stuck(does: str, where: str, path: Path) -> Iterator[None]:
    """Have another process stand still in the middle of what it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, does, where, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"here\n"
        yield
        process.kill()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "up"


def test_who_looks_as_well_is_not_the_holder(file: Path) -> None:
    file.write_bytes(DEAD)
    with stuck("find_holder", "close", file):
        assert find_holder(file) is None


@pytest.mark.parametrize("before", [b"", DEAD], ids=["new", "left behind"])
def test_who_begins_to_hold_it_is_not_known_yet(file: Path, before: bytes) -> None:
    file.write_bytes(before)
    with stuck("hold", "pwrite", file):
        assert find_holder(file) is None


def test_a_link_to_somewhere_else_is_not_followed(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"kept")
    file.symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"):
        hold(file)
    assert other.read_bytes() == b"kept"
