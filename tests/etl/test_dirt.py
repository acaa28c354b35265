"""Each kind of dirt in a file of its own: what is loaded, what is not, and what the report says."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from etl.files import BOM, read_header
from etl.limits import RowLimit
from etl.lines import LARGEST_INT, REPAIR
from etl.outcome import Outcome
from tests.catalogue import Cell, load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.loads import (
    ROWS,
    SUMMARY,
    TABLE,
    assert_account,
    counts,
    file_name,
    rows_of,
    texts,
)

KEY = f"is not a positive whole number up to {LARGEST_INT}"
COUNT = f"is not a whole number up to {LARGEST_INT}"
PRICE = "is not a price of up to 12 digits and 6 decimals"
FLAG = "is not one of 0 1 t f true false"
UNCLOSED = "a quote that is never closed"
MISPLACED = "a quote inside a field that does not begin with one"
LIMIT = RowLimit(rows=100)


@dataclass
class Loaded:
    """A load of one folder and its report."""

    result: Outcome
    folder: Path
    report: Path

    @property
    def incidents(self) -> list[tuple[str, int, str, str, str]]:
        """The lines of rejects.csv in the order of the files and their lines."""
        with (self.report / "rejects.csv").open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        assert header == ["file", "line", "action", "reason", "text"]
        files = list(self.result.tallies)
        found = [(file, int(line), *rest) for file, line, *rest in rows]
        return sorted(found, key=lambda row: (files.index(row[0]), row[1]))

    def rejects(self) -> dict[str, bytes]:
        """The files of rejects/."""
        return {file.name: file.read_bytes() for file in (self.report / "rejects").iterdir()}


@pytest.fixture
def load(shared_database: Database, tmp_path: Path) -> Callable[..., Loaded]:
    """Loads the small catalogue after something was done to its folder."""

    def run(change: Callable[[Path], None], rows: dict = ROWS, **dialect: str | bool) -> Loaded:
        folder = write_catalogue(tmp_path / "catalogue", rows, **dialect)
        change(folder)
        report = tmp_path / "report"
        result = load_catalogue(shared_database.etl, folder, report, LIMIT)
        assert_account(shared_database, result)
        return Loaded(result, folder, report)

    return run


def insert(table: str, line: bytes) -> Callable[[Path], None]:
    """Return what puts a line before the last row of a file: it becomes line 4."""

    def change(folder: Path) -> None:
        path = folder / file_name(table)
        *lines, last = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines, line + b"\n", last]))

    return change


def with_fourth(table: str, *rows: Sequence[Cell]) -> list[tuple[str | None, ...]]:
    """Return the small catalogue's rows with others before the last one."""
    return texts([*ROWS[table][:-1], *rows, ROWS[table][-1]])


TAKEN = [
    # table, line, row
    ("related", b"8,1,2", (8, 1, 2)),  # the same pair twice
    ("related", b"8,1,1", (8, 1, 1)),
    ("skus", b'8,1,"XS",8', (8, 1, "XS", 8)),  # the same size twice
    ("skus", b'8,1,"",0', (8, 1, "", 0)),
    ("skus", b"8,1,,", (8, 1, None, None)),
    ("skus", b'8,1,"null",null', (8, 1, "null", None)),
    ("skus", b"8,1,NULL,%d" % LARGEST_INT, (8, 1, "NULL", LARGEST_INT)),
    ("skus", b"8,1,null ,0", (8, 1, "null ", 0)),
    ("skus", b'"008","01",XS,"007"', (8, 1, "XS", 7)),
    ("skus", b'%d,1,"S",000' % LARGEST_INT, (LARGEST_INT, 1, "S", 0)),
    ("photos", b'8,1,"https://e.example","uhttps://x"', (8, 1, "https://e.example", "uhttps://x")),
    ("photos", b"8,1,null,null", (8, 1, None, None)),
    ("photos", b'8,1,"a\tb\rc","\\."', (8, 1, "a\tb\rc", "\\.")),
    ("features", b'8,1,"Size","null"', (8, 1, "Size", "null")),
    ("features", b"8,1,Size,null", (8, 1, "Size", None)),
    ("features", b'8,1,"null",""', (8, 1, "null", "")),
    ("features", b'8,1,"a ""b"", c",""""', (8, 1, 'a "b", c', '"')),
    ("styles", b'8,1,"Sky",0,1,0', (8, 1, "Sky", None, "1", False)),
    ("styles", b'8,1,"Sky",0.00,0.00,1', (8, 1, "Sky", None, "0.00", True)),
    ("styles", b'8,1,"Sky","000",00,true', (8, 1, "Sky", None, "0", True)),
    ("styles", b'8,1,"Sky",001.50,007.100,t', (8, 1, "Sky", "1.50", "7.100", True)),
    ("styles", b'8,1,"Sky",,0.000001,f', (8, 1, "Sky", None, "0.000001", False)),
    ("styles", b'8,1,"Sky",null,1,"false"', (8, 1, "Sky", None, "1", False)),
    (
        "products",
        b'8,"a",null,,"",999999999999.999999',
        (8, "a", None, None, "", "999999999999.999999"),
    ),
    ("products", b"8,\xc3\xa9 \xe6\x97\xa5,s,d,c,0140.00", (8, "é 日", "s", "d", "c", "140.00")),
]


@pytest.mark.parametrize(("table", "line", "row"), TAKEN)
def test_odd_lines_that_are_loaded(
    load: Callable[..., Loaded],
    shared_database: Database,
    table: str,
    line: bytes,
    row: tuple[Cell, ...],
) -> None:
    loaded = load(insert(table, line))
    assert counts(loaded.result) == SUMMARY | {file_name(table): (4, 4, 0, 0)}
    assert rows_of(shared_database, table) == with_fourth(table, row)
    assert loaded.incidents == []
    assert loaded.rejects() == {}


# A line of each file whose last field opens a quote that is never closed.
REPAIRED = [
    ("photos", b'8,1,"u","https://e.example', (8, 1, "u", "https://e.example")),
    ("photos", b'8,1,"u, and v","t, ""w"", x', (8, 1, "u, and v", 't, "w", x')),
    ("photos", b'8,1,"u","', (8, 1, "u", "")),
    ("features", b'8,1,"Size","Large', (8, 1, "Size", "Large")),
    ("features", b'8,1,"Size","null', (8, 1, "Size", "null")),
    ("products", b'8,"a","b","c","d","1.50', (8, "a", "b", "c", "d", "1.50")),
    ("styles", b'8,1,"Sky",null,1,"true', (8, 1, "Sky", None, "1", True)),
    ("skus", b'8,1,"XS","8', (8, 1, "XS", 8)),
    ("related", b'8,1,"3', (8, 1, 3)),
]


@pytest.mark.parametrize(("table", "line", "row"), REPAIRED)
def test_missing_closing_quote_is_repaired(
    load: Callable[..., Loaded],
    shared_database: Database,
    table: str,
    line: bytes,
    row: tuple[Cell, ...],
) -> None:
    loaded = load(insert(table, line))
    assert counts(loaded.result) == SUMMARY | {file_name(table): (4, 4, 1, 0)}
    assert rows_of(shared_database, table) == with_fourth(table, row)
    assert loaded.incidents == [(file_name(table), 4, "repaired", REPAIR, line.decode())]
    assert loaded.rejects() == {}


REJECTED = [
    # table, line, reason
    ("related", b"8,1,0", "unknown product"),
    ("related", b"8,0,1", "unknown product"),
    ("related", b"8,1,4", "unknown product"),
    ("related", b"8,4,1", "unknown product"),
    ("related", b"8,4,5", "unknown product"),
    ("features", b"8,00,a,b", "unknown product"),
    ("features", b"8,4,a,b", "unknown product"),
    ("styles", b'8,4,"Sky",null,1,0', "unknown product"),
    ("photos", b'8,3,"u","t"', "unknown style"),
    ("skus", b'8,0,"S",1', "unknown style"),
    ("skus", b'8,3,"S",1', "unknown style"),
    ("products", b"1,b,c,d,e,1", "the id came before in the file"),
    ("features", b"03,2,a,b", "the id came before in the file"),
    ("styles", b'1,2,"Sky",null,1,0', "the id came before in the file"),
    ("photos", b'1,2,"u","t"', "the id came before in the file"),
    ("skus", b'3,2,"S",1', "the id came before in the file"),
    ("related", b"1,3,2", "the id came before in the file"),
    ("related", b"0,1,2", f"id {KEY}: '0'"),
    ("related", b"-8,1,2", f"id {KEY}: '-8'"),
    ("related", b"+8,1,2", f"id {KEY}: '+8'"),
    ("related", b"8.0,1,2", f"id {KEY}: '8.0'"),
    ("related", b" 8,1,2", f"id {KEY}: ' 8'"),
    ("related", b'" 8",1,2', f"id {KEY}: ' 8'"),
    ("related", b"8e0,1,2", f"id {KEY}: '8e0'"),
    ("related", b"x,1,2", f"id {KEY}: 'x'"),
    ("related", "٣,1,2".encode(), f"id {KEY}: '٣'"),
    ("related", b"2147483648,1,2", f"id {KEY}: '2147483648'"),
    ("related", b"8,x,2", f"current_product_id {KEY}: 'x'"),
    ("related", b"8,1,-2", f"related_product_id {KEY}: '-2'"),
    ("photos", b'8,99999999999,"u","t"', f"style_id {KEY}: '99999999999'"),
    ("photos", b"8,1," + b"9" * 50 + b",t,u", "too many fields: 5 of 4"),
    ("products", b"8,a,b,c,d,free", f"default_price {PRICE}: 'free'"),
    ("products", b"8,a,b,c,d,-1", f"default_price {PRICE}: '-1'"),
    ("products", b"8,a,b,c,d,$1", f"default_price {PRICE}: '$1'"),
    ("products", b"8,a,b,c,d,1e3", f"default_price {PRICE}: '1e3'"),
    ("products", b"8,a,b,c,d,NaN", f"default_price {PRICE}: 'NaN'"),
    ("products", b"8,a,b,c,d,1.", f"default_price {PRICE}: '1.'"),
    ("products", b"8,a,b,c,d,.5", f"default_price {PRICE}: '.5'"),
    ("products", b"8,a,b,c,d,1.1234567", f"default_price {PRICE}: '1.1234567'"),
    ("products", b"8,a,b,c,d,1234567890123", f"default_price {PRICE}: '1234567890123'"),
    ("products", b'8,a,b,c,d,"1,5"', f"default_price {PRICE}: '1,5'"),
    ("products", b'8,a,b,c,d,""', f"default_price {PRICE}: ''"),
    ("styles", b"8,1,Sky,-1,1,0", f"sale_price {PRICE}: '-1'"),
    ("styles", b'8,1,Sky,"null",1,0', f"sale_price {PRICE}: 'null'"),
    ("styles", b"8,1,Sky,null,x,0", f"original_price {PRICE}: 'x'"),
    ("styles", b"8,1,Sky,null,1,2", f"default_style {FLAG}: '2'"),
    ("styles", b"8,1,Sky,null,1,TRUE", f"default_style {FLAG}: 'TRUE'"),
    ("styles", b"8,1,Sky,null,1,yes", f"default_style {FLAG}: 'yes'"),
    ("skus", b"8,1,S,many", f"quantity {COUNT}: 'many'"),
    ("skus", b"8,1,S,-1", f"quantity {COUNT}: '-1'"),
    ("skus", b"8,1,S,1.5", f"quantity {COUNT}: '1.5'"),
    ("skus", b"8,1,S,2147483648", f"quantity {COUNT}: '2147483648'"),
    # NULL where it must not be
    ("products", b"null,a,b,c,d,1", "id is null"),
    ("products", b",a,b,c,d,1", "id is null"),
    ("products", b"8,null,b,c,d,1", "name is null"),
    ("products", b"8,,b,c,d,1", "name is null"),
    ("products", b"8,a,b,c,d,null", "default_price is null"),
    ("features", b"8,null,a,b", "product_id is null"),
    ("features", b"8,1,null,b", "feature is null"),
    ("styles", b"8,1,null,null,1,0", "name is null"),
    ("styles", b"8,1,Sky,null,null,0", "original_price is null"),
    ("styles", b"8,1,Sky,null,1,null", "default_style is null"),
    ("photos", b"8,null,u,t", "style_id is null"),
    ("related", b"8,1,null", "related_product_id is null"),
    # fields
    ("related", b"8,1", "too few fields: 2 of 3"),
    ("related", b"8,1,2,3", "too many fields: 4 of 3"),
    ("related", b"8,1,2,", "too many fields: 4 of 3"),
    ("related", b"", "too few fields: 1 of 3"),
    ("related", b",,", "id is null"),
    ("photos", b'8,1,"u""t"', "too few fields: 3 of 4"),
    # bytes
    ("photos", b'8,1,"u\xff","t"', "not UTF-8 at byte 7 of the line"),
    ("photos", b'8,1,"u","\xed\xa0\x80"', "not UTF-8 at byte 10 of the line"),
    ("photos", b'8,1,"u","caf\xe9', "not UTF-8 at byte 13 of the line"),
    ("photos", b'8,1,"u\0","t"', "a NUL at byte 7 of the line"),
    ("features", b"8,1,\0,b", "a NUL at byte 5 of the line"),
    # quotes
    ("photos", b'8,1,"u,"t"', "text after a closing quote"),
    ("photos", b'8,1,"u" ,"t"', "text after a closing quote"),
    ("photos", b'8,1,u","t"', MISPLACED),
    ("photos", b'8,1,"u,t', UNCLOSED),
    ("photos", b'8,1,u,t,"x', UNCLOSED),
    ("photos", b'8,"1,u,t', UNCLOSED),
    ("photos", b'"8,1,u,t', UNCLOSED),
    ("products", b'8,"a,b,c,d,1', UNCLOSED),
    ("features", b'8,1,"', UNCLOSED),
    ("skus", b'8,1,"S","eight', f"quantity {COUNT}: 'eight'"),
    ("related", b'8,1,"', f"related_product_id {KEY}: ''"),
    ("related", b'8,1,"0', "unknown product"),
]


@pytest.mark.parametrize(("table", "line", "reason"), REJECTED)
def test_rejected_lines(
    load: Callable[..., Loaded], shared_database: Database, table: str, line: bytes, reason: str
) -> None:
    loaded = load(insert(table, line))
    name = file_name(table)
    assert counts(loaded.result) == SUMMARY | {name: (4, 3, 0, 1)}
    assert rows_of(shared_database, table) == texts(ROWS[table])
    text = line.decode("utf-8", "backslashreplace")
    assert loaded.incidents == [(name, 4, "rejected", reason, text)]
    header = (loaded.folder / name).read_bytes().split(b"\n")[0]
    assert loaded.rejects() == {name: header + b"\n" + line + b"\n"}


@pytest.mark.parametrize(
    ("table", "line", "row"),
    [
        ("features", b"8, 1, Cut, null", (8, 1, "Cut", None)),
        ("features", b'8, 1, "Cut", "null"', (8, 1, "Cut", "null")),
        ("features", b'8, 1, "Cut, ""so"" , to say", ', (8, 1, 'Cut, "so" , to say', None)),
        ("styles", b'8, 1, "Sky", null, 1.00, 0', (8, 1, "Sky", None, "1.00", False)),
        ("styles", b'8, 1, "Sky", 0, 01, true', (8, 1, "Sky", None, "1", True)),
        ("styles", b'8,1,"Sky",null,1,0', (8, 1, "Sky", None, "1", False)),
    ],
)
def test_nulls_of_the_other_dialect(
    load: Callable[..., Loaded],
    shared_database: Database,
    table: str,
    line: bytes,
    row: tuple[Cell, ...],
) -> None:
    loaded = load(insert(table, line), separator=", ")
    assert counts(loaded.result) == SUMMARY | {file_name(table): (4, 4, 0, 0)}
    assert rows_of(shared_database, table) == with_fourth(table, row)


def test_rejects_in_the_other_dialect_are_a_file_of_it(load: Callable[..., Loaded]) -> None:
    loaded = load(insert("styles", b'8, 1, "Sky", null, dear, 0'), separator=", ", camel=True)
    assert [row[1:] for row in loaded.incidents] == [
        (4, "rejected", f"original_price {PRICE}: 'dear'", '8, 1, "Sky", null, dear, 0')
    ]
    rejects = loaded.report / "rejects" / "styles.csv"
    assert rejects.read_bytes() == (
        b"id, productId, name, sale_price, original_price, default_style\n"
        b'8, 1, "Sky", null, dear, 0\n'
    )
    assert read_header(TABLE["styles"], rejects).spaced


def test_a_line_of_a_mebibyte_is_rejected_whole(
    load: Callable[..., Loaded], shared_database: Database
) -> None:
    line = b'8,1,"' + b"x" * (1 << 20) + b'","t"'
    loaded = load(insert("photos", line))
    reason = "longer than 1048576 bytes"
    field_size = csv.field_size_limit(1 << 21)
    try:
        assert loaded.incidents == [("photos.csv", 4, "rejected", reason, line.decode())]
    finally:
        csv.field_size_limit(field_size)
    assert rows_of(shared_database, "photos") == texts(ROWS["photos"])


def test_clean_files_leave_an_empty_report(
    load: Callable[..., Loaded], shared_database: Database, tmp_path: Path
) -> None:
    # What an earlier load has rejected is not taken for this one's.
    (tmp_path / "report" / "rejects").mkdir(parents=True)
    (tmp_path / "report" / "rejects" / "skus.csv").write_text("id,style_id,size,quantity\n1\n")
    loaded = load(lambda folder: None)
    assert counts(loaded.result) == SUMMARY
    for table, rows in ROWS.items():
        assert rows_of(shared_database, table) == texts(rows)
    assert loaded.incidents == []
    assert loaded.rejects() == {}


def test_gaps_and_parents_without_children(
    load: Callable[..., Loaded], shared_database: Database
) -> None:
    rows = {
        "products": [(LARGEST_INT, "Last", None, None, None, 0), (7, "Bare", "", "", "", 1)],
        "styles": [(900, 7, "Only", None, "1", False)],
    }
    loaded = load(lambda folder: None, rows)
    assert loaded.result.tallies["products.csv"].loaded == 2
    assert rows_of(shared_database, "products") == texts(rows["products"])
    assert rows_of(shared_database, "styles") == texts(rows["styles"])


def test_empty_files(load: Callable[..., Loaded]) -> None:
    loaded = load(lambda folder: None, {})
    assert set(counts(loaded.result).values()) == {(0, 0, 0, 0)}


def test_what_belongs_to_a_rejected_row_is_rejected(
    load: Callable[..., Loaded], shared_database: Database
) -> None:
    def spoil(folder: Path) -> None:
        file = folder / "products.csv"
        file.write_text(file.read_text("utf-8").replace(",140\n", ",dear\n"), "utf-8")

    loaded = load(spoil)
    assert counts(loaded.result) == {
        "products.csv": (3, 2, 0, 1),
        "features.csv": (3, 1, 0, 2),
        "styles.csv": (3, 1, 0, 2),
        "photos.csv": (3, 0, 0, 3),
        "skus.csv": (3, 1, 0, 2),
        "related.csv": (3, 0, 0, 3),
    }
    assert [row[:4] for row in loaded.incidents] == [
        ("products.csv", 2, "rejected", f"default_price {PRICE}: 'dear'"),
        *(("features.csv", line, "rejected", "unknown product") for line in (2, 3)),
        *(("styles.csv", line, "rejected", "unknown product") for line in (2, 3)),
        *(("photos.csv", line, "rejected", "unknown style") for line in (2, 3, 4)),
        *(("skus.csv", line, "rejected", "unknown style") for line in (2, 3)),
        *(("related.csv", line, "rejected", "unknown product") for line in (2, 3, 4)),
    ]
    assert rows_of(shared_database, "skus") == texts(ROWS["skus"][2:])
    # What was rejected is, file by file, what was there.
    for name in ("photos.csv", "related.csv"):
        assert loaded.rejects()[name] == (loaded.folder / name).read_bytes()


def test_a_row_whose_id_came_before_is_no_parent(
    load: Callable[..., Loaded], shared_database: Database
) -> None:
    # Style 1 belongs to product 1; the line that claims it for product 2 is the one that goes.
    loaded = load(insert("styles", b'1,2,"Other",null,1,0'))
    assert rows_of(shared_database, "styles") == texts(ROWS["styles"])
    assert counts(loaded.result)["photos.csv"] == (3, 3, 0, 0)


def test_line_numbers_where_everything_comes_together(
    load: Callable[..., Loaded], shared_database: Database
) -> None:
    lines = [
        b"id,styleId,url,thumbnail_url",
        b'1,1,"u","t"',
        b"broken",
        b'2,99,"orphan","t"',
        b'3,1,"u","repaired',
        b'1,1,"twice","t"',
        b'\xff,1,"u","t"',
        b'3,1,"twice and repaired","t',
        b'4,98,"orphan and repaired","t',
        b'5,2,"u","t"',
        b'5,2,"twice","t"',
        b'6,97,"orphan at the end","t"',
    ]

    def write(folder: Path) -> None:
        (folder / "photos.csv").write_bytes(BOM + b"\r\n".join(lines))

    loaded = load(write)
    twice, orphan = "the id came before in the file", "unknown style"
    found = [(line, action, reason) for _, line, action, reason, _ in loaded.incidents]
    # A row that is repaired and then rejected is told twice, and counted as rejected alone.
    assert sorted(found) == sorted(
        [
            (3, "rejected", "too few fields: 1 of 4"),
            (4, "rejected", orphan),
            (5, "repaired", REPAIR),
            (6, "rejected", twice),
            (7, "rejected", "not UTF-8 at byte 1 of the line"),
            (8, "repaired", REPAIR),
            (8, "rejected", twice),
            (9, "repaired", REPAIR),
            (9, "rejected", orphan),
            (11, "rejected", twice),
            (12, "rejected", orphan),
        ]
    )
    for _, line, _, _, text in loaded.incidents:
        assert text == lines[line - 1].decode("utf-8", "backslashreplace")
    assert counts(loaded.result)["photos.csv"] == (11, 3, 1, 8)
    expected = [(1, 1, "u", "t"), (3, 1, "u", "repaired"), (5, 2, "u", "t")]
    assert rows_of(shared_database, "photos") == texts(expected)
    rejects = loaded.rejects()["photos.csv"].splitlines()
    assert rejects[0] == lines[0]
    assert sorted(rejects[1:]) == sorted(lines[number - 1] for number in (3, 4, 6, 7, 8, 9, 11, 12))


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_rejects_far_apart_in_a_long_file(load: Callable[..., Loaded], newline: bytes) -> None:
    """Rows that the database rejects are found again where the file is many blocks long."""
    wide = b"x" * 10_000
    orphans = {2, 3, 104, 105, 106, 211, 315, 400}
    lines = [b"id,product_id,feature,value"]
    for line in range(2, 401):
        parent = 9 if line in orphans else 1
        lines.append(b"%d,%d,%d,%s" % (line, parent, line, b"" if line % 3 else wide))
    loaded = load(lambda folder: (folder / "features.csv").write_bytes(newline.join(lines)))
    assert {row[1]: row[4].encode() for row in loaded.incidents} == {
        line: lines[line - 1] for line in orphans
    }
    assert counts(loaded.result)["features.csv"] == (399, 391, 0, 8)
