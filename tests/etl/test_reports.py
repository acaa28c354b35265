"""Reports that cannot be written, and those that would destroy what they report on."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from etl.errors import LoadError
from etl.report import Report
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import AS_IT_WAS, add_bad_lines, add_long_bad_lines, flask_etl


def few(folder: Path) -> None:
    """So little to report that it is written at the end."""
    add_bad_lines(folder, 1, 1)


def orphans(folder: Path) -> None:
    """So much that it is written while the rows are checked."""
    lines = [f"{id_},9,{'u' * 30_000},t" for id_ in range(1, 11)]
    (folder / "photos.csv").write_text("\n".join(["id,style_id,url,thumbnail_url", *lines]))


@pytest.mark.parametrize("dirt", [few, add_long_bad_lines, orphans])
def test_a_report_on_a_full_disk(
    loaded: Database, folder: Path, reports: Path, dirt: object
) -> None:
    dirt(folder)
    (reports / "rejects.csv").symlink_to("/dev/full")
    done = flask_etl(loaded, "load", folder, "--report", reports)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert str(reports) in done.stderr
    assert done.stderr.endswith(AS_IT_WAS)
    assert "Exception ignored" not in done.stderr


def test_a_report_that_another_load_writes(loaded: Database, folder: Path, reports: Path) -> None:
    add_bad_lines(folder, 1, 1)
    with closing(Report(reports)):
        done = flask_etl(loaded, "load", folder, "--report", reports)
        assert done.returncode == 1
        assert f"another load writes its rejects into {reports / 'rejects'}" in done.stderr
        assert done.stderr.endswith(AS_IT_WAS)


def test_a_report_that_has_no_place(loaded: Database, folder: Path, reports: Path) -> None:
    (reports / "rejects").write_text("a file in its place")
    done = flask_etl(loaded, "load", folder, "--report", reports)
    assert done.returncode == 1
    assert f"{reports}/rejects" in done.stderr
    assert done.stderr.endswith(AS_IT_WAS)
    (reports / "rejects").unlink()
    (reports / "rejects.csv").mkdir()
    done = flask_etl(loaded, "load", folder, "--report", reports)
    assert done.returncode == 1
    assert f"{reports}/rejects.csv" in done.stderr


def test_what_is_no_reject_is_left_alone(
    shared_database: Database, folder: Path, reports: Path
) -> None:
    kept = reports / "rejects" / "notes.csv"
    kept.parent.mkdir()
    kept.write_text("mine")
    old = kept.with_name("photos.csv")
    old.write_text("of the load before")
    load_catalogue(shared_database.etl, folder, reports)
    assert (kept.read_text(), old.exists()) == ("mine", False)


def test_the_rejects_of_a_load_are_not_overwritten_by_loading_them(
    loaded: Database, folder: Path, reports: Path
) -> None:
    shutil.copytree(folder, reports / "rejects")
    for path in (reports / "rejects", reports / "rejects" / ".." / "rejects"):
        with pytest.raises(LoadError, match="where the rejects of this load go"):
            load_catalogue(loaded.etl, path, reports)
    (reports / "link").symlink_to(reports / "rejects")
    done = flask_etl(loaded, "load", reports / "link", "--report", reports)
    assert done.returncode == 1
    assert "--report" in done.stderr
    mended = reports / "mended"
    mended.mkdir()
    (mended / "photos.csv").symlink_to("../rejects/photos.csv")
    done = flask_etl(loaded, "load", mended, "--report", reports, "--mode", "upsert")
    assert done.returncode == 1
    assert f"{mended}/photos.csv is where the rejects of this load go" in done.stderr
    # nor a link that stands there
    photos = reports / "rejects" / "photos.csv"
    photos.rename(reports / "photos.csv")
    photos.symlink_to(reports / "photos.csv")
    with pytest.raises(LoadError, match="where the rejects of this load go"):
        load_catalogue(loaded.etl, reports / "rejects", reports)
    assert photos.is_symlink()
    for file in folder.iterdir():
        assert (reports / "rejects" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to])
def test_a_list_of_rejects_that_is_a_source_itself(
    loaded: Database, folder: Path, reports: Path, make: Callable[[Path, Path], None]
) -> None:
    before = (folder / "photos.csv").read_bytes()
    make(reports / "rejects.csv", folder / "photos.csv")
    with pytest.raises(LoadError, match=r"photos.csv is where the rejects of this load go"):
        load_catalogue(loaded.etl, folder, reports)
    assert (folder / "photos.csv").read_bytes() == before
