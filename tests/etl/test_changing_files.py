"""Files that change, shrink or go while they are read, or were never whole: none is published."""

import os
import shutil
from pathlib import Path

import pytest

from etl.build import BuildError
from etl.clean import DamagedError
from etl.progress import Progress
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import At, served


def append(folder: Path) -> None:
    with (folder / "photos.csv").open("ab") as stream:
        stream.write(b"9,1,u,t\n")


def change_in_place(folder: Path) -> None:
    path = folder / "photos.csv"
    path.write_bytes(path.read_bytes().replace(b"https", b"HTTPS"))


def put_in_place(folder: Path) -> None:
    shutil.copy(folder / "photos.csv", folder / "new")
    (folder / "new").rename(folder / "photos.csv")


def remove(folder: Path) -> None:
    (folder / "photos.csv").unlink()


def cut_short(folder: Path) -> None:
    path = folder / "photos.csv"
    os.truncate(path, path.stat().st_size // 2)


def change_header(folder: Path) -> None:
    path = folder / "photos.csv"
    path.write_bytes(path.read_bytes().replace(b"style_id", b"styleId").replace(b"3t", b"34"))


@pytest.mark.parametrize("orphans", [False, True], ids=["clean", "orphans"])
@pytest.mark.parametrize(
    ("point", "action"),
    [
        ("begin reading products.csv", append),
        ("begin reading products.csv", change_header),
        ("reading photos.csv", append),
        ("reading photos.csv", change_in_place),
        ("reading photos.csv", put_in_place),
        ("reading photos.csv", cut_short),
        ("checking photos.csv", append),
        ("checking photos.csv", put_in_place),
        ("checking skus.csv", change_in_place),
        ("building indexes", put_in_place),
        ("building indexes", remove),
    ],
)
def test_a_file_that_changes_while_it_is_read(
    loaded: Database, folder: Path, reports: Path, point: str, action: object, orphans: bool
) -> None:
    if orphans:
        with (folder / "photos.csv").open("ab") as stream:
            stream.write(b"7,77,u,t\n")
    progress = At(point, lambda: action(folder))
    with pytest.raises(BuildError, match=r"^photos.csv was changed while it was read: load again$"):
        load_catalogue(loaded.etl, folder, reports, progress=progress)
    assert progress.done


def test_a_file_that_ends_in_the_middle_of_being_read(
    loaded: Database, large: Path, reports: Path
) -> None:
    """Of several blocks, so that its end comes before the one that it had when it was opened."""
    folder = shutil.copytree(large, reports / "large")
    path = folder / "photos.csv"
    with path.open("a") as stream:
        stream.writelines(f"{id_},1,u,t\n" for id_ in range(20_000, 400_000))
    progress = At("reading photos.csv", lambda: cut_short(folder))
    with pytest.raises(BuildError, match=r"^photos.csv was changed while it was read: load again$"):
        load_catalogue(loaded.etl, folder, reports, progress=progress)
    assert progress.done


def test_a_file_that_goes_away(loaded: Database, folder: Path, reports: Path) -> None:
    progress = At("checking styles.csv", (folder / "photos.csv").unlink)
    with pytest.raises((BuildError, OSError), match=r"photos.csv"):
        load_catalogue(loaded.etl, folder, reports, progress=progress)


def test_a_file_of_which_a_part_was_never_written(
    loaded: Database, large: Path, reports: Path
) -> None:
    """As a copy leaves it that takes the room of all first, and breaks off."""
    before = served(loaded)
    folder = shutil.copytree(large, reports / "large")
    cut_short(folder)
    os.truncate(folder / "photos.csv", (large / "photos.csv").stat().st_size)
    with pytest.raises(DamagedError, match=r"^photos.csv: line [0-9]+ has 4096 zero bytes"):
        load_catalogue(loaded.etl, folder, reports, progress=Progress())
    assert served(loaded) == before
