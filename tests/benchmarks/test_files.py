"""The files of a catalogue that is measured stay in the system's cache meanwhile."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.connection import Connection
from benchmarks.files import find_files, kept
from benchmarks.subject import warm
from tests.benchmarks.bench import loaded
from tests.conftest import Database


def test_files_of_a_warm_catalogue_are_mapped_meanwhile(
    clone: Callable[[], Database], tmp_path: Path
) -> None:
    small = loaded(clone(), tmp_path)
    with closing(Connection(small.admin)) as connection:
        files = find_files(connection, "catalogue")
    assert len(files) > 12  # tables and indexes
    full = [str(file) for file in files if file.stat().st_size]
    with warm({"app": small.app, "etl": small.etl, "admin": small.admin}):
        mapped = Path("/proc/self/maps").read_text("utf-8")
    assert [file for file in full if file not in mapped] == []
    assert full[0] not in Path("/proc/self/maps").read_text("utf-8")


def test_files_that_are_out_of_reach_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(bytes(8192))
    with kept([tmp_path / "there", tmp_path / "gone"]) as found:
        assert not found
    with kept([]) as found:
        assert not found
