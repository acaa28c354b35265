"""Every dialect in which the files are around gives the same catalogue, by its digest."""

from itertools import product
from pathlib import Path

import pytest

from etl.files import BOM
from tests.catalogue import load_catalogue, publish, render_file, write_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, SUMMARY, TABLE, counts, file_name, served


def write_dialect(
    folder: Path, table: str, separator: str, camel: bool, bom: bool, crlf: bool, newline: bool
) -> None:
    """Write a file of the small catalogue in a dialect."""
    data = render_file(TABLE[table], ROWS[table], separator, camel).encode()
    data = data if newline else data.removesuffix(b"\n")
    data = data.replace(b"\n", b"\r\n") if crlf else data
    folder.mkdir(exist_ok=True)
    (folder / file_name(table)).write_bytes(BOM + data if bom else data)


DIALECTS = list(product((",", ", "), (False, True), (False, True), (False, True), (True, False)))


@pytest.fixture(scope="module")
def digest(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> str | None:
    return publish(shared_database.etl, ROWS, tmp_path_factory).digest


@pytest.mark.parametrize(("separator", "camel", "bom", "crlf", "newline"), DIALECTS)
def test_every_dialect_loads_alike(
    shared_database: Database,
    tmp_path: Path,
    reports: Path,
    digest: str,
    separator: str,
    camel: bool,
    bom: bool,
    crlf: bool,
    newline: bool,
) -> None:
    for table in TABLE:
        write_dialect(tmp_path / "files", table, separator, camel, bom, crlf, newline)
    result = load_catalogue(shared_database.etl, tmp_path / "files", reports)
    assert counts(result) == SUMMARY
    assert result.digest == digest
    assert served(shared_database) == (result.number, digest)


def test_files_of_one_folder_may_differ(
    shared_database: Database, tmp_path: Path, reports: Path, digest: str
) -> None:
    for table, dialect in zip(TABLE, DIALECTS[::5], strict=False):
        write_dialect(tmp_path / "files", table, *dialect)
    (tmp_path / "files" / "products.csv").rename(tmp_path / "files" / "product.csv")
    result = load_catalogue(shared_database.etl, tmp_path / "files", reports)
    assert "product.csv" in result.tallies
    assert result.digest == digest


def test_keys_may_be_spelt_both_ways_in_one_folder_and_extra_files_are_ignored(
    shared_database: Database, tmp_path: Path, reports: Path, digest: str
) -> None:
    folder = write_catalogue(tmp_path / "files", ROWS)
    write_dialect(folder, "photos", ",", True, False, False, True)
    (folder / "cart.csv").write_bytes(b"id,user_session,product_id,active\n\xff\0,,\n")
    (folder / "notes").mkdir()
    result = load_catalogue(shared_database.etl, folder, reports)
    assert "cart.csv" not in result.tallies
    assert result.digest == digest


def test_the_digest_tells_catalogues_apart(
    shared_database: Database, tmp_path: Path, reports: Path, digest: str
) -> None:
    """Or the tests above would prove nothing."""
    product, style = ROWS["products"][0], ROWS["styles"][2]
    changes = {
        "styles": [
            [ROWS["styles"][1], ROWS["styles"][0], style],  # another order within a product
            [*ROWS["styles"][:2], (5, 2, "Gold", "0.50", "69", False)],  # another scale
            [*ROWS["styles"][:2], (5, 2, "Gold", "0.5", "69.0", False)],
            [*ROWS["styles"][:2], (5, 2, "Gold", "0.5", "69", True)],
        ],
        "products": [[(*product[:-1], "140.0"), *ROWS["products"][1:]]],
        "features": [[(1, 1, "Fabric", "null"), *ROWS["features"][1:]]],
    }
    for table in ("features", "photos", "skus", "related"):
        first, second, third = ROWS[table]
        changes.setdefault(table, []).append([second, first, third])
    digests = {digest}
    for table, variants in changes.items():
        for rows in variants:
            folder = write_catalogue(tmp_path / "files", ROWS | {table: rows})
            digests.add(load_catalogue(shared_database.etl, folder, reports).digest)
    assert len(digests) == 1 + sum(map(len, changes.values())) == 11


def test_the_order_of_parents_is_no_part_of_the_digest(
    shared_database: Database, tmp_path: Path, reports: Path, digest: str
) -> None:
    other = ROWS | {"products": ROWS["products"][::-1]}
    folder = write_catalogue(tmp_path / "files", other)
    assert load_catalogue(shared_database.etl, folder, reports).digest == digest
