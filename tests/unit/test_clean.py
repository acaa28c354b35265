"""What is repaired, what is rejected and what goes to COPY: of one line, then of whole files."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.clean import Cleaner, HoleError, clean_lines
from etl.files import BOM, TABLES, Kind, SourceFile, read_header
from etl.lines import REPAIR, clean_line

TABLE = {table.name: table for table in TABLES}
SAMPLE = Path(__file__).parents[3] / "shared/data/atelier-sample"
LARGEST = 2**31 - 1
KEY = f"is not a positive whole number up to {LARGEST}: "
COUNT = f"is not a whole number up to {LARGEST}: "
PRICE = "is not a price of up to 12 digits and 6 decimals: "
FLAG = "is not one of 0 1 t f true false: "


def clean_file(table, data, spaced=False, block_size=1 << 20, max_line=1 << 20, header=b"id\n"):
    """Return what goes to COPY, the incidents and the cleaner, for the lines after a header."""
    source = SourceFile(TABLE[table], Path("x.csv"), 0, spaced, header.strip(), len(header), (0, 0))
    incidents = []
    cleaner = Cleaner(source, io.BytesIO(data), incidents.append, block_size, max_line)
    return cleaner.read(), incidents, cleaner


def copied_rows(output):
    """Return the rows as COPY reads them: tuples of text, None for a bare null."""
    field = re.compile(rb'"((?:[^"]|"")*)"|([^",\r\n]+)')
    rows = []
    for line in output.split(b"\n")[:-1]:
        row, position = [], 0
        while True:
            match = field.match(line, position)
            assert match, line
            text = match[1].replace(b'""', b'"') if match[2] is None else match[2]
            row.append(None if match[2] == b"null" else text)
            position = match.end() + 1
            if match.end() == len(line):
                break
            assert line[match.end() : position] == b","
        rows.append(tuple(row))
    return rows


def typed(table, rows):
    """Return the rows with flags spelt one way, as the database would show them."""
    if table != "styles":
        return rows
    flags = {b"1": True, b"t": True, b"true": True, b"0": False, b"f": False, b"false": False}
    return [(*row[:-1], flags[row[-1]]) for row in rows]


# One line


@pytest.mark.parametrize(
    ("table", "spaced", "line", "row"),
    [
        ("skus", False, b'1,2,"XS",8', b'1,2,"XS",8\n'),
        ("skus", True, b'1, 2, "XS", 8', b'1,2,"XS",8\n'),
        ("skus", True, b'1,2, "XS",8', b'1,2,"XS",8\n'),
        ("skus", False, b"1,2,XS,8", b'1,2,"XS",8\n'),
        ("skus", False, b"1,2, XS ,8", b'1,2," XS ",8\n'),
        ("skus", True, b"1, 2,  XS , 8", b'1,2," XS ",8\n'),
        ("skus", False, b"1,2,null,null", b"1,2,null,null\n"),
        ("skus", True, b"1, 2, null, null", b"1,2,null,null\n"),
        ("skus", False, b"1,2,,", b"1,2,null,null\n"),
        ("skus", True, b"1, 2, , ", b"1,2,null,null\n"),
        ("skus", False, b'1,2,"null",0', b'1,2,"null",0\n'),
        ("skus", False, b"1,2,NULL,0", b'1,2,"NULL",0\n'),
        ("skus", False, b'1,2,"",0', b'1,2,"",0\n'),
        ("skus", False, b'"1","2",XS,"8"', b'1,2,"XS",8\n'),
        ("skus", False, b"007,0012,XS,000", b'7,12,"XS",0\n'),
        ("skus", False, b"2147483647,2147483647,XS,2147483647", None),
        ("skus", False, b'1,2,"a ""b"", c",8', b'1,2,"a ""b"", c",8\n'),
        ("skus", True, b'1, 2, "a, ""b"", c", 8', b'1,2,"a, ""b"", c",8\n'),
        ("skus", False, b'1,2,"\\.",8', b'1,2,"\\.",8\n'),
        ("skus", False, b'1,2,"a\rb\tc",8', b'1,2,"a\rb\tc",8\n'),
        ("skus", False, b"1,2,a\rb,8", b'1,2,"a\rb",8\n'),
        ("skus", False, '1,2,"größe",8'.encode(), '1,2,"größe",8\n'.encode()),
        ("features", False, b'1,2,"Cut",', b'1,2,"Cut",null\n'),
        ("photos", False, b'1,2,"u","uhttps://x"', b'1,2,"u","uhttps://x"\n'),
        ("products", False, b'1,"",,,,500000000', b'1,"",null,null,null,500000000\n'),
        ("products", False, b"1,a,b,c,d,007.50", b'1,"a","b","c","d",7.50\n'),
        ("products", False, b"1,a,b,c,d,0.5", b'1,"a","b","c","d",0.5\n'),
        ("products", False, b"1,a,b,c,d,000", b'1,"a","b","c","d",0\n'),
        ("products", False, b"1,a,b,c,d,123456789012.123456", None),
        ("styles", False, b"1,2,a,0,5,1", b'1,2,"a",null,5,t\n'),
        ("styles", False, b"1,2,a,00.000,0.00,0", b'1,2,"a",null,0.00,f\n'),
        ("styles", False, b"1,2,a,0.10,5,true", b'1,2,"a",0.10,5,t\n'),
        ("styles", True, b'1, 2, "a", 10, 5, "f"', b'1,2,"a",10,5,f\n'),
    ],
)
def test_a_clean_line_becomes_a_row(table, spaced, line, row):
    if row is None:  # only the texts gain their quotes
        cells = zip(TABLE[table].columns, line.split(b","), strict=True)
        row = b",".join(b'"%b"' % v if c.kind.name == "TEXT" else v for c, v in cells) + b"\n"
    assert clean_line(TABLE[table], spaced, line) == (row, None)


@pytest.mark.parametrize(
    ("table", "spaced", "line", "row"),
    [
        ("photos", False, b'48,12,"u","https://x', b'48,12,"u","https://x"\n'),
        ("photos", True, b'48, 12, "u", "a, b ""c""', b'48,12,"u","a, b ""c"""\n'),
        ("photos", False, b'48,12,"u","', b'48,12,"u",""\n'),
        ("skus", False, b'1,2,"XS","8', b'1,2,"XS",8\n'),
        ("related", False, b'1,2,"3', b"1,2,3\n"),
    ],
)
def test_a_missing_last_quote_is_repaired(table, spaced, line, row):
    assert clean_line(TABLE[table], spaced, line) == (row, REPAIR)


@pytest.mark.parametrize(
    ("table", "line", "reason"),
    [
        ("skus", b"", "too few fields: 1 of 4"),
        ("skus", b"1,2,XS", "too few fields: 3 of 4"),
        ("skus", b"1,2,XS,8,", "too many fields: 5 of 4"),
        ("products", b'1,"a","b","c","d, 5', "a quote that is never closed"),
        ("skus", b'1,2,"XS,8', "a quote that is never closed"),
        ("skus", b'1,2,3,4,"5', "a quote that is never closed"),
        ("skus", b'1,2,"XS"x,8', "text after a closing quote"),
        ("skus", b'1,2,"XS" ,8', "text after a closing quote"),
        ("skus", b'1,2, "XS",8', "a quote inside a field that does not begin with one"),
        ("skus", b'1,2,5",8', "a quote inside a field that does not begin with one"),
        ("skus", b"1,2,\xff,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,\xed\xa0\x80,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,\xc0\xaf,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,\xf4\x90\x80\x80,8", "not UTF-8 at byte 5 of the line"),
        ("skus", b"1,2,a\0b,8", "a NUL at byte 6 of the line"),
        ("skus", b"null,2,XS,8", "id is null"),
        ("skus", b"1,,XS,8", "style_id is null"),
        ("products", b"1,null,,,,5", "name is null"),
        ("products", b"1,a,,,,", "default_price is null"),
        ("features", b"1,2,,x", "feature is null"),
        ("styles", b"1,2,a,,5,", "default_style is null"),
        ("skus", b"0,2,XS,8", f"id {KEY}'0'"),
        ("skus", b"-1,2,XS,8", f"id {KEY}'-1'"),
        ("skus", b"+1,2,XS,8", f"id {KEY}'+1'"),
        ("skus", b" 1,2,XS,8", f"id {KEY}' 1'"),
        ("skus", b"1.0,2,XS,8", f"id {KEY}'1.0'"),
        ("skus", b'"",2,XS,8', f"id {KEY}''"),
        ("skus", b"2147483648,2,XS,8", f"id {KEY}'2147483648'"),
        ("skus", "\u0663,2,XS,8".encode(), f"id {KEY}'\u0663'"),
        ("skus", b"9" * 5000 + b",2,XS,8", f"id {KEY}'{'9' * 37}...'"),
        ("skus", b"1,0,XS,8", "unknown style"),
        ("skus", b"1,000,XS,8", "unknown style"),
        ("skus", b"1,-0,XS,8", f"style_id {KEY}'-0'"),
        ("skus", b"1,9999999999,XS,8", f"style_id {KEY}'9999999999'"),
        ("related", b"12,4,0", "unknown product"),
        ("related", b'12,"0",4', "unknown product"),
        ("skus", b"1,2,XS,-8", f"quantity {COUNT}'-8'"),
        ("skus", b"1,2,XS,8.0", f"quantity {COUNT}'8.0'"),
        ("skus", b'1,2,XS,"null"', f"quantity {COUNT}'null'"),
        ("skus", b"1,2,XS,2147483648", f"quantity {COUNT}'2147483648'"),
        ("products", b"1,a,b,c,d,-5", f"default_price {PRICE}'-5'"),
        ("products", b"1,a,b,c,d,5.", f"default_price {PRICE}'5.'"),
        ("products", b"1,a,b,c,d,.5", f"default_price {PRICE}'.5'"),
        ("products", b"1,a,b,c,d,1e3", f"default_price {PRICE}'1e3'"),
        ("products", b"1,a,b,c,d,NaN", f"default_price {PRICE}'NaN'"),
        ("products", b"1,a,b,c,d,5\r", "a field that ends with a carriage return"),
        ("features", b"1,2,Fabric,null\r", "a field that ends with a carriage return"),
        ("features", b"1,2,Fabric\r,null", "a field that ends with a carriage return"),
        ("products", b"1,a,b,c,d,0000000000001", f"default_price {PRICE}'0000000000001'"),
        ("products", b"1,a,b,c,d,1.1234567", f"default_price {PRICE}'1.1234567'"),
        ("styles", b"1,2,a,-0,5,1", f"sale_price {PRICE}'-0'"),
        ("styles", b'1,2,a,"",5,1', f"sale_price {PRICE}''"),
        ("styles", b"1,2,a,4,free,1", f"original_price {PRICE}'free'"),
        ("styles", b"1,2,a,4,5,2", f"default_style {FLAG}'2'"),
        ("styles", b"1,2,a,4,5,TRUE", f"default_style {FLAG}'TRUE'"),
        ("related", b'1,2,"x', f"related_product_id {KEY}'x'"),
    ],
)
def test_a_line_beyond_repair_is_rejected_with_its_reason(table, line, reason):
    assert clean_line(TABLE[table], False, line) == (None, reason)


def test_the_reason_is_the_first_that_explains_the_line():
    """The encoding goes before quotes, quotes before the number of fields, fields in order."""
    for line, reason in [
        (b'0,0,"\xff', "not UTF-8 at byte 6 of the line"),
        (b'0,0,5"', "a quote inside a field that does not begin with one"),
        (b"0,0,5", "too few fields: 3 of 4"),
        (b"0,0,5,x", f"id {KEY}'0'"),
        (b"1,0,5,x", "unknown style"),
    ]:
        assert clean_line(TABLE["skus"], False, line) == (None, reason)


# Whole files


def test_incidents_tell_where_the_line_stands():
    header = BOM + b"id,style_id,size,quantity\n"
    lines = [b'1,1,"XS",8', b"2,0,S,1", b'3,1,"M",9', b'4,1,"L","7', b"", b'5,1,"XL",1', b"6,1"]
    data = b"\n".join(lines)
    output, incidents, cleaner = clean_file("skus", data, header=header)
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
    assert (cleaner.rows_read, cleaner.rows_copied) == (7, 4)
    assert (cleaner.rows_repaired, cleaner.rows_rejected) == (1, 3)


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
    output, incidents, cleaner = clean_file("related", data)
    assert output == (b"1,2,3\n" if data else b"")
    assert (incidents, cleaner.rows_read) == ([], 1 if data else 0)


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
    output, incidents, cleaner = clean_file(
        "skus", line_end.join(lines), block_size=block_size, max_line=60, header=b""
    )
    assert [row[0] for row in copied_rows(output)] == [b"1", b"3", b"4"]
    assert {i.reason for i in incidents} == {"longer than 60 bytes"}
    texts = [line_end.join(lines)[i.offset : i.offset + i.length] for i in incidents]
    assert texts == [lines[1], lines[3], lines[5]]
    assert [i.line for i in incidents] == [3, 5, 7]
    assert cleaner.rows_read == 6


@pytest.mark.parametrize("block_size", [1, 1000, 5000, 1 << 20])
@pytest.mark.parametrize("max_line", [60, 1 << 20])
@pytest.mark.parametrize("where", [b"1,1,X,1\n%b1,1,Y,1\n", b'1,1,X,1\n2,1,"X%b', b"1,1,X,1\n%b"])
def test_a_hole_is_no_line_that_is_rejected(block_size, max_line, where):
    with pytest.raises(HoleError, match=r"^x.csv: line 3 has 4096 zero bytes in a row or more: "):
        clean_file("skus", where % bytes(4096), block_size=block_size, max_line=max_line)
    _, incidents, _ = clean_file(
        "skus", where % bytes(4095), block_size=block_size, max_line=max_line
    )
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
    cleaner = Cleaner(source, stream, incidents.append, block_size=1 << 16, max_line=1 << 16)
    assert cleaner.read(100) == b""
    assert [(i.offset, i.length) for i in incidents] == [(10, 50_000_000)]
    assert stream.largest_read == 1 << 16


@given(st.lists(st.integers(1, 50), min_size=1))
def test_read_gives_no_more_than_asked_and_nothing_only_at_the_end(sizes):
    data = b"".join(b'%d,1,"XS",8\n' % n if n % 3 else b"bad\n" for n in range(1, 40))
    expected = clean_file("skus", data)[0]
    source = SourceFile(TABLE["skus"], Path("x.csv"), 0, False, b"", 0, (0, 0))
    cleaner = Cleaner(source, io.BytesIO(data), lambda incident: None, block_size=20)
    pieces = [cleaner.read(size) for size in sizes]
    assert all(len(piece) <= size for piece, size in zip(pieces, sizes, strict=True))
    assert b"".join(pieces) + cleaner.read() == expected
    assert cleaner.read(5) == cleaner.read() == b""


# The fast path against the slow one

WHOLE = ["1", "8", "350", "999999999", "2147483647", "2147483648", "0", "00", "007", "-1", '"5"']
CELLS = {
    "KEY": st.sampled_from([*WHOLE, "null", "", " 1", '"', "1\r"]),
    "REFERENCE": st.sampled_from([*WHOLE, "null", "", "x"]),
    "QUANTITY": st.sampled_from([*WHOLE, "null", "", '"null"']),
    "PRICE": st.sampled_from(
        ["140", "0", "0.50", "007.50", "000", "5.", ".5", "1.1234567", "1" * 12, "1" * 13, '"4"']
    ),
    "SALE_PRICE": st.sampled_from(["null", "100", "0", "0.00", "0.10", "12.5", "", "-1", "9" * 12]),
    "FLAG": st.sampled_from(["0", "1", "t", "f", "true", "false", '"t"', "2", "tr", "TRUE", ""]),
    "TEXT": st.one_of(
        st.sampled_from(
            ["null", '"null"', "", '""', " ", "XS", '"XS"', '5"', "null ", "\\.", "\t"]
        ),
        st.sampled_from(['", "', '"a, b"', '"a,b"', '"a ""b"", c"', '"a', '"x"y', ' "x"']),
        st.sampled_from(['"\\."', '"\r"', "a\rb", '"é€😀"']),
        st.text('aé", \\.\r\t', max_size=5),
        st.text("aé, \\.\r\t", max_size=5).map('"{}"'.format),
    ),
}
DIRT = [b"", b"\r", b"\\.", b'"', b'1,1,"\xff","v"', b'1,1,"\xff', b"1,1,\0,1", b"\xef\xbb\xbf"]


@st.composite
def files(draw):
    """A table, a dialect and the bytes of a file whose lines are mostly near to clean."""
    table = draw(st.sampled_from(TABLES))
    spaced = draw(st.booleans())
    separators = st.sampled_from(
        [", ", ", ", ", ", ",", ",  "] if spaced else [",", ",", ",", ", "]
    )
    clean = ["7", '"text"', "7.5", "1"]
    defaults = {"KEY": 0, "REFERENCE": 0, "QUANTITY": 0, "TEXT": 1, "PRICE": 2, "SALE_PRICE": 2}

    def line():
        if draw(st.integers(0, 9)) == 0:
            return draw(st.sampled_from(DIRT) | st.binary(max_size=12))
        wild = draw(st.sets(st.sampled_from(range(len(table.columns))), max_size=2))
        separator = draw(separators)
        cells = [
            draw(CELLS[column.kind.name]) if n in wild else clean[defaults.get(column.kind.name, 3)]
            for n, column in enumerate(table.columns)
        ]
        return separator.join(cells).encode()

    lines = [line() for _ in range(draw(st.integers(0, 12)))]
    ends = draw(st.sampled_from([[b"\n"], [b"\r\n"], [b"\n", b"\r\n"]]))
    data = b"".join(text + draw(st.sampled_from(ends)) for text in lines)
    return table.name, spaced, data.removesuffix(b"\n") if draw(st.booleans()) else data


def clean_slowly(table, spaced, data):
    """Return the rows, and (line, offset, length, reason, rejected), taking line by line."""
    rows, incidents, offset = [], [], 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines if lines[-1] else lines[:-1], start=2):
        text = line.removesuffix(b"\r")
        row, reason = clean_line(TABLE[table], spaced, text)
        if row is not None:
            rows.append(row)
        if reason is not None:
            incidents.append((number, offset, len(text), reason, row is None))
        offset += len(line) + 1
    return b"".join(rows), incidents


@settings(max_examples=500)
@given(files(), st.sampled_from([1, 7, 40, 1 << 20]))
def test_a_file_gives_what_its_lines_give(file, block_size):
    table, spaced, data = file
    output, incidents, cleaner = clean_file(table, data, spaced, block_size, header=b"")
    rows, expected = clean_slowly(table, spaced, data)
    assert typed(table, copied_rows(output)) == typed(table, copied_rows(rows))
    assert [(i.line, i.offset, i.length, i.reason, i.rejected) for i in incidents] == expected
    assert cleaner.rows_copied == output.count(b"\n")
    assert cleaner.rows_read == cleaner.rows_copied + cleaner.rows_rejected
    assert cleaner.rows_repaired == len(incidents) - cleaner.rows_rejected


@given(files(), st.integers(1, 60))
def test_the_size_of_blocks_changes_nothing(file, block_size):
    table, spaced, data = file
    whole, expected, _ = clean_file(table, data, spaced, max_line=30)
    output, incidents, _ = clean_file(table, data, spaced, block_size, max_line=30)
    assert typed(table, copied_rows(output)) == typed(table, copied_rows(whole))
    assert incidents == expected


@given(st.sampled_from(sorted(TABLE)), st.booleans(), st.binary(), st.integers(1, 9))
def test_any_bytes_are_taken(table, spaced, data, block_size):
    _, incidents, cleaner = clean_file(table, data, spaced, block_size, max_line=50)
    assert cleaner.rows_read == cleaner.rows_copied + cleaner.rows_rejected
    assert cleaner.rows_read == data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    assert [i.rejected for i in incidents].count(True) == cleaner.rows_rejected


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("products", '1,"Camo Onesie","Blend in","High energy, camo",null,140'),
        ("features", '4,2,"UV Protection",null'),
        ("styles", '3,1,"Ocean Blue",100.5,140,0'),
        ("photos", '1,1,"https://x?a=b&c=%20","uhttps://é"'),
        ("skus", '1,1,"XS",8'),
        ("skus", "1,1,XS,null"),
        ("related", "1,1,2"),
    ],
)
def test_published_lines_take_the_fast_path(table, line, spaced):
    """Else the load would be right and slow, which no other test would notice."""
    text = line.replace(",", ", ") if spaced else line
    run = text.encode() + b"\n" + text.encode() + b"\r\n"
    assert clean_lines(TABLE[table], spaced, False).fullmatch(run)


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
        cleaner = Cleaner(source, stream, incidents.append)
        output = cleaner.read()
    data = path.read_bytes()
    ids = [int(re.match(rb"\d+", data[i.offset : i.offset + i.length])[0]) for i in incidents]
    assert [n for n, i in zip(ids, incidents, strict=True) if not i.rejected] == repaired
    assert [n for n, i in zip(ids, incidents, strict=True) if i.rejected] == rejected
    assert cleaner.rows_read == read == len(copied_rows(output)) + len(rejected)
