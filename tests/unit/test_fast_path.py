"""Lines that are clean pass in long runs: with the same outcome as one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.clean import clean_lines_pattern
from etl.files import TABLES
from etl.lines import clean_line
from tests.unit.cleaning import TABLE, clean_file, copied_rows, typed

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
    output, incidents, tally = clean_file(table, data, spaced, block_size, header=b"")
    rows, expected = clean_slowly(table, spaced, data)
    assert typed(table, copied_rows(output)) == typed(table, copied_rows(rows))
    assert [(i.line, i.offset, i.length, i.reason, i.rejected) for i in incidents] == expected
    assert tally.loaded == output.count(b"\n")
    assert tally.read == tally.loaded + tally.rejected
    assert tally.repaired == len(incidents) - tally.rejected


@given(files(), st.integers(1, 60))
def test_the_size_of_blocks_changes_nothing(file, block_size):
    table, spaced, data = file
    whole, expected, _ = clean_file(table, data, spaced, max_line=30)
    output, incidents, _ = clean_file(table, data, spaced, block_size, max_line=30)
    assert typed(table, copied_rows(output)) == typed(table, copied_rows(whole))
    assert incidents == expected


@given(st.sampled_from(sorted(TABLE)), st.booleans(), st.binary(), st.integers(1, 9))
def test_any_bytes_are_taken(table, spaced, data, block_size):
    _, incidents, tally = clean_file(table, data, spaced, block_size, max_line=50)
    assert tally.read == tally.loaded + tally.rejected
    assert tally.read == data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    assert [i.rejected for i in incidents].count(True) == tally.rejected


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
    assert clean_lines_pattern(TABLE[table], spaced, False).fullmatch(run)
