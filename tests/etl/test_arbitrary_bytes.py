"""Whatever bytes one of the six files has: a whole catalogue with its account, or a refusal."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from etl.files import BOM, FilesError, read_header
from etl.limits import MAX_REJECTS, LimitError, RowLimit
from etl.tally import Tally
from tests.catalogue import load_catalogue, publish, render_file, write_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, TABLE, assert_account, file_name, schemas, served

LIMITS = [RowLimit(rows=0), MAX_REJECTS, RowLimit(rows=10**9)]

# What lines are made of, so that they often come near to what a file may have.
PIECES = st.sampled_from(
    [
        *(b"0", b"1", b"2", b"3", b"9", b"-1", b"1.50", b"2147483648", b"null", b"true", b'"null"'),
        *(b",", b",", b",", b", ", b'"', b'"', b'""', b'","', b"\n", b"\n", b"\r\n", b"\r"),
        *(
            b"text",
            b"\xc3\xa9",
            b"\xff",
            b"\xed\xa0\x80",
            b"\0",
            b"\\.",
            b"\\",
            b"\t",
            b"\x7f",
            b" ",
        ),
        *(b"\x1a", b"\xe2\x80\xa8", b"\x85", b"\x0b", BOM),
    ]
)
SOUP = st.lists(PIECES | st.binary(max_size=4), max_size=80).map(b"".join)


def valid(table: str, separator: str, camel: bool) -> bytes:
    return render_file(TABLE[table], ROWS[table], separator, camel).encode()


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with some of them flipped, cut out, doubled, or others put between."""
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data)))
        until = draw(st.integers(at, min(at + 12, len(data))))
        middle = draw(
            st.just(b"") | st.just(data[at:until] * 2) | PIECES | st.binary(min_size=1, max_size=3)
        )
        data = data[:at] + middle + data[until:]
    return data


@st.composite
def files(draw: st.DrawFn, table: str) -> bytes:
    """A file of arbitrary bytes: without and with a proper header, and a proper one gone wrong."""
    data = valid(table, draw(st.sampled_from([",", ", "])), draw(st.booleans()))
    header = data[: data.index(b"\n") + 1]
    return draw(
        st.one_of(
            st.binary(max_size=200),
            SOUP.map(lambda soup: header + soup),
            SOUP.map(lambda soup: BOM + header + soup),
            st.binary(max_size=200).map(lambda soup: header + soup),
            mutated(data),
            mutated(data[len(header) :]).map(lambda rest: header + rest),
        )
    )


@pytest.fixture(scope="module")
def before(shared_database: Database, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    publish(shared_database.etl, ROWS, tmp_path_factory)
    return served(shared_database)


@settings(max_examples=80)
@pytest.mark.usefixtures("before")
@given(data=st.data())
def test_arbitrary_bytes(shared_database: Database, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(list(TABLE)))
    content = data.draw(files(table))
    limit = data.draw(st.sampled_from(LIMITS))
    was = served(shared_database)
    with TemporaryDirectory() as name:
        folder = write_catalogue(Path(name, "files"), ROWS)
        path = folder / file_name(table)
        path.write_bytes(content)
        report = Path(name, "report")
        try:
            result = load_catalogue(shared_database.etl, folder, report, limit)
        except (FilesError, LimitError) as error:
            refused = str(error)
        else:
            refused = None
        event("refused" if refused else "published")
        if refused:
            # Also where the rejects of another file, which refers to this one, were too many.
            assert path.name in refused or "rows rejected, more than" in refused
            assert served(shared_database) == was
            return
        assert served(shared_database) == (was[0] + 1, result.digest)
        assert "catalogue_next" not in schemas(shared_database)
        assert_account(shared_database, result)
        assert_every_line_is_told(path, table, result.tallies[path.name], report)


def assert_every_line_is_told(path: Path, table: str, tally: Tally, report: Path) -> None:
    """As many rows were read as the file has lines, and the report has each that went wrong."""
    body = path.read_bytes()[read_header(TABLE[table], path).data_offset :]
    lines = body.removesuffix(b"\n").split(b"\n") if body else []
    assert tally.read == len(lines)
    with (report / "rejects.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row[0] == path.name]
    rejected = {int(row[1]): row[4] for row in rows if row[2] == "rejected"}
    assert len(rejected) == tally.rejected
    texts = {line: lines[line - 2].removesuffix(b"\r") for line in rejected}
    assert rejected == {
        line: text.decode("utf-8", "backslashreplace") for line, text in texts.items()
    }
    repaired = {int(row[1]) for row in rows if row[2] == "repaired"}
    assert len(repaired - set(rejected)) == tally.repaired
    kept = report / "rejects" / path.name
    if rejected:
        header, *found = kept.read_bytes().removesuffix(b"\n").split(b"\n")
        assert header == read_header(TABLE[table], path).header
        assert sorted(found) == sorted(texts.values())
    else:
        assert not kept.exists()
