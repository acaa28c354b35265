"""Folders that cannot be loaded: what is said of them, and that nothing is touched."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.files import FilesError
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, flask_etl, schemas, served


def replace(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def make_folder(name: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def link(name: str, target: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return change


PHOTOS_HEADER = "id,style_id,url,thumbnail_url"

UNLOADABLE = {
    "missing": (remove("photos.csv"), ["photos.csv", "missing"]),
    "no products": (remove("products.csv"), ["product.csv or products.csv", "missing"]),
    "dangling": (link("photos.csv", "nowhere"), ["photos.csv", "a link that leads nowhere"]),
    "both": (replace("product.csv", b"x"), ["product.csv and products.csv", "keep one"]),
    "folder": (make_folder("related.csv"), ["related.csv", "not a regular file"]),
    # A regular file that opens but does not read, for root too.
    "unreadable": (link("skus.csv", "/proc/self/mem"), ["skus.csv", "cannot be read"]),
    "empty": (replace("photos.csv", b""), ["photos.csv", PHOTOS_HEADER, "found nothing"]),
    "foreign": (
        replace("photos.csv", b"photo,style\n1,2\n"),
        ["photos.csv", f"expected {PHOTOS_HEADER}", "found photo,style"],
    ),
    "no header": (replace("skus.csv", b'1,1,"XS",8\n'), ["skus.csv", "id,style_id,size,quantity"]),
    "order": (
        replace("related.csv", b"id,related_product_id,current_product_id\n"),
        ["related.csv", "expected id,current_product_id,related_product_id"],
    ),
    "separators": (
        replace("photos.csv", b"id,style_id, url,thumbnail_url\n"),
        ["photos.csv", PHOTOS_HEADER],
    ),
    "UTF-16": (
        replace("photos.csv", PHOTOS_HEADER.encode("utf-16")),
        ["photos.csv", "which is UTF-16: write the file as UTF-8"],
    ),
    "UTF-16 without a mark": (
        replace("photos.csv", PHOTOS_HEADER.encode("utf-16-le")),
        ["photos.csv", "bytes of zero, as UTF-16 has: write the file as UTF-8"],
    ),
    "a carriage return too many": (
        replace("photos.csv", f"{PHOTOS_HEADER}\r\r\n1,1,u,t\r\r\n".encode()),
        ["photos.csv", "end with a carriage return too many", rf"found {PHOTOS_HEADER}\r"],
    ),
    "compressed": (
        replace("photos.csv", gzip.compress(b"x")),
        ["photos.csv", "the file is compressed: unpack it", r"found \x1f\x8b"],
    ),
    "carriage returns": (
        replace("photos.csv", f"{PHOTOS_HEADER}\r1,1,u,t\r".encode()),
        ["photos.csv", "end with a carriage return alone", rf"found {PHOTOS_HEADER}\r1,1,u"],
    ),
    "changes": (
        replace("photos.csv", f"{PHOTOS_HEADER},deleted\n".encode()),
        ["photos.csv", "deleted is for changes (--mode upsert)"],
    ),
    "a loop": (link("photos.csv", "photos.csv"), ["photos.csv"]),
    "bytes": (replace("photos.csv", b"\0\xff" * 100_000), ["photos.csv", "\\xff"]),
    "columns": (
        replace("features.csv", b"id,product_id,feature\n"),
        ["features.csv", "id,product_id,feature,value"],
    ),
}


@pytest.mark.parametrize("case", UNLOADABLE)
def test_a_folder_that_cannot_be_loaded(tmp_path: Path, case: str) -> None:
    change, said = UNLOADABLE[case]
    folder = write_catalogue(tmp_path / "files", ROWS)
    change(folder)
    # No server is there: what is refused before anything is touched does not ask for one.
    nowhere = f"postgresql://products_etl@/products?host={tmp_path}"
    with pytest.raises(FilesError) as refused:
        load_catalogue(nowhere, folder, tmp_path / "report")
    for words in said:
        assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "report").exists()


def test_the_command_says_so_and_touches_nothing(loaded: Database, tmp_path: Path) -> None:
    before = served(loaded), schemas(loaded)
    folder = write_catalogue(tmp_path / "files", ROWS)
    (folder / "styles.csv").write_text("id,colour\n")
    done = flask_etl(loaded, "load", folder, "--report", tmp_path / "report")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {folder}/styles.csv: header not recognised; expected id")
    assert done.stderr.endswith("The catalogue is as it was.\n")
    assert not (tmp_path / "report").exists()
    assert (served(loaded), schemas(loaded)) == before
    missing = flask_etl(loaded, "load", tmp_path / "nowhere")
    assert missing.returncode == 1
    assert f"{tmp_path}/nowhere: no such folder" in missing.stderr
    file = flask_etl(loaded, "load", folder / "styles.csv")
    assert file.returncode == 1
    assert f"{folder}/styles.csv: not a folder" in file.stderr
