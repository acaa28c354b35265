"""Whole files: lines and blocks, what too long lines and holes are, and the published sample."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.clean import Cleaner, DamagedError
from etl.files import BOM, Kind, SourceFile, read_header
from etl.lines import REPAIR
from etl.tally import Tally
from tests.catalogue import SAMPLE
from tests.unit.cleaning import TABLE, clean_file, copied_rows


def test_incidents_tell_where_the_line_stands():
    header = BOM + b"id,style_id,size,quantity\n"
    lines = [b'1,1,"XS",8', b"2,0,S,1", b'3,1,"M",9', b'4,1,"L","7', b"", b'5,1,"XL",1', b"6,1"]
    data = b"\n".join(lines)
    output, incidents, tally = clean_file("skus", data, header=header)
    assert output == b'1,1,"XS",8\n3,1,"M",9\n4,1,"L",7\n5,1,"XL",1\n'
    assert [(i.line, i.reason, i.rejected) for i in incidents] == [
        (3, "unknown style", True),
        (5, REPAIR, False),
        (6, "too few fields: 1 of 4", True),
        (8, "too few fields: 2 of 4", True),
    ]
    whole = header + data
    texts = [whole[i.offset : i.offset + i.length] for i in incidents]
    assert texts == [lines[1], lines[3], lines[4], lines[6]]
    assert (tally.read, tally.loaded) == (7, 4)
    assert (tally.repaired, tally.rejected) == (1, 3)


@pytest.mark.parametrize(
    ("table", "clean", "short"),
    [
        ("features", b"1,1,Fabric,Canvas", b"2,1,null"),
        ("products", b"1,Onesie,Blend in,null,Jackets,140", b"2,null"),
        ("styles", b"1,1,Black,null,140,1", b"2,1,null"),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_line_that_ends_too_early_in_null_is_rejected(table, clean, short, line_end):
    output, incidents, _ = clean_file(table, line_end.join([clean, short, clean, b""]))
    assert output == (clean + b"\n") * 2
    assert [(each.line, each.reason[:14]) for each in incidents] == [(3, "too few fields")]


def test_what_may_not_be_null_is_never_the_last_field():
    """The pattern of clean lines relies on it."""
    for table in TABLE.values():
        last = table.columns[-1]
        assert last.nullable or last.kind is not Kind.TEXT


def test_an_unclosed_quote_takes_no_following_line_with_it():
    data = b'1,1,"u","v\n2,1,"u","v"\n3,1,"u,v\n4,1,"u","v"\n'
    output, incidents, _ = clean_file("photos", data)
    assert output == b'1,1,"u","v"\n2,1,"u","v"\n4,1,"u","v"\n'
    assert [(i.line, i.rejected) for i in incidents] == [(2, False), (4, True)]


@pytest.mark.parametrize("data", [b"", b"1,2,3\n", b"1,2,3", b"1,2,3\r\n", b"1,2,3\r"])
def test_the_last_newline_may_be_missing(data):
    output, incidents, tally = clean_file("related", data)
    assert output == (b"1,2,3\n" if data else b"")
    assert (incidents, tally.read) == ([], 1 if data else 0)


def test_carriage_returns_belong_to_the_line_end_once():
    data = b'1,1,"XS",8\r\n2,1,"a\rb",8\r\n3,1,XS,8\r\r\n4,1,S,null\r\n'
    output, incidents, _ = clean_file("skus", data)
    assert copied_rows(output) == [
        (b"1", b"1", b"XS", b"8"),
        (b"2", b"1", b"a\rb", b"8"),
        (b"4", b"1", b"S", None),
    ]
    assert [(i.line, i.length) for i in incidents] == [(4, len(b"3,1,XS,8\r"))]


def test_commas_in_texts_survive_in_the_spaced_dialect():
    lines = [b'1, 1, "F", "V"', b'2, 1, ", ", "a, b"', b'3, 1, "a,""b"", ", null', b"4,1,F, V"]
    output, incidents, _ = clean_file("features", b"\n".join(lines), spaced=True)
    assert output == b'1,1,"F","V"\n2,1,", ","a, b"\n3,1,"a,""b"", ",null\n4,1,F,V\n'
    assert not incidents


def test_a_line_that_is_not_utf8_leaves_its_neighbours_alone():
    data = '1,1,"größe",1\n'.encode() + b'2,1,"gr\xf6\xdfe",1\n3,1,"a\0",1\n4,1,"\xe2\x82\xac",1\n'
    output, incidents, _ = clean_file("skus", data)
    assert [row[0] for row in copied_rows(output)] == [b"1", b"4"]
    assert [(i.line, i.reason[:9]) for i in incidents] == [(3, "not UTF-8"), (4, "a NUL at ")]


@pytest.mark.parametrize("block_size", [1, 7, 30, 1000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_line_that_is_too_long_is_rejected_unread(block_size, line_end):
    fits = b'1,1,"%b",1' % (b"x" * (53 - len(line_end)))
    assert len(fits + line_end) == 60 + 1
    lines = [fits, b'2,1,"%b",1' % (b"x" * 53), b'3,1,"y",1', b"x" * 500, b"4,1,z,1", b"z" * 61]
    output, incidents, tally = clean_file(
        "skus", line_end.join(lines), block_size=block_size, max_line=60, header=b""
    )
    assert [row[0] for row in copied_rows(output)] == [b"1", b"3", b"4"]
    assert {i.reason for i in incidents} == {"longer than 60 bytes"}
    texts = [line_end.join(lines)[i.offset : i.offset + i.length] for i in incidents]
    assert texts == [lines[1], lines[3], lines[5]]
    assert [i.line for i in incidents] == [3, 5, 7]
    assert tally.read == 6


@pytest.mark.parametrize("block_size", [1, 1000, 5000, 1 << 20])
@pytest.mark.parametrize("max_line", [60, 1 << 20])
@pytest.mark.parametrize("where", [b"1,1,X,1\n%b1,1,Y,1\n", b'1,1,X,1\n2,1,"X%b', b"1,1,X,1\n%b"])
def test_a_hole_is_no_line_that_is_rejected(block_size, max_line, where):
    with pytest.raises(DamagedError, match=r"^x.csv: line 3 has 4096 zero bytes in a row"):
        clean_file("skus", where % bytes(4096), block_size=block_size, max_line=max_line)
    _, incidents, _ = clean_file(
        "skus", where % bytes(4095), block_size=block_size, max_line=max_line
    )
    assert [(incident.line, incident.rejected) for incident in incidents] == [(3, True)]


@pytest.mark.parametrize("max_line", [1 << 20, 100])
def test_rows_that_end_with_a_carriage_return_alone_are_no_line(max_line):
    rows = b"".join(b"%d,1,M,5\r" % number for number in range(2, 50))
    with pytest.raises(DamagedError, match=r"^x.csv: line 3 has rows that end with a carriage"):
        clean_file("skus", b"1,1,M,5\n" + rows, max_line=max_line)
    _, incidents, _ = clean_file("skus", b"1,1,M,5\n2,1,M,5\rand more\n3,1,M,5\n")
    assert [(incident.line, incident.rejected) for incident in incidents] == [(3, True)]


class EndlessLine(io.RawIOBase):
    """So many bytes without a newline, made as they are read."""

    def __init__(self, size):
        self.left = size
        self.largest_read = 0

    def read(self, size=-1):
        self.largest_read = max(self.largest_read, size)
        count = min(size, self.left)
        self.left -= count
        return b"x" * count


def test_a_file_without_newlines_is_read_in_blocks():
    source = SourceFile(TABLE["skus"], Path("x.csv"), 0, False, b"", 10, (0, 0))
    incidents = []
    stream = EndlessLine(50_000_000)
    cleaner = Cleaner(
        source, stream, Tally(), incidents.append, block_size=1 << 16, max_line=1 << 16
    )
    assert cleaner.read(100) == b""
    assert [(i.offset, i.length) for i in incidents] == [(10, 50_000_000)]
    assert stream.largest_read == 1 << 16


@given(st.lists(st.integers(1, 50), min_size=1))
def test_read_gives_no_more_than_asked_and_nothing_only_at_the_end(sizes):
    data = b"".join(b'%d,1,"XS",8\n' % n if n % 3 else b"bad\n" for n in range(1, 40))
    expected = clean_file("skus", data)[0]
    source = SourceFile(TABLE["skus"], Path("x.csv"), 0, False, b"", 0, (0, 0))
    cleaner = Cleaner(source, io.BytesIO(data), Tally(), lambda incident: None, block_size=20)
    pieces = [cleaner.read(size) for size in sizes]
    assert all(len(piece) <= size for piece, size in zip(pieces, sizes, strict=True))
    assert b"".join(pieces) + cleaner.read() == expected
    assert cleaner.read(5) == cleaner.read() == b""


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the published sample is not here")
@pytest.mark.parametrize(
    ("table", "read", "repaired", "rejected"),
    [
        ("products", 350, [], []),
        ("features", 350, [], []),
        ("styles", 350, [], []),
        ("photos", 287, [48, 249, 263, 272, 282, 298, 304, 315, 326, 337], []),
        ("skus", 350, [], []),
        ("related", 17, [], [12]),  # 15 and 17 are for the database to find
    ],
)
def test_the_published_sample(table, read, repaired, rejected):
    path = SAMPLE / f"{table}.csv"
    source = read_header(TABLE[table], path)
    incidents = []
    with path.open("rb") as stream:
        stream.seek(source.data_offset)
        tally = Tally()
        cleaner = Cleaner(source, stream, tally, incidents.append)
        output = cleaner.read()
    data = path.read_bytes()
    ids = [int(re.match(rb"\d+", data[i.offset : i.offset + i.length])[0]) for i in incidents]
    assert [n for n, i in zip(ids, incidents, strict=True) if not i.rejected] == repaired
    assert [n for n, i in zip(ids, incidents, strict=True) if i.rejected] == rejected
    assert tally.read == read == len(copied_rows(output)) + len(rejected)
