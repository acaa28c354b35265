"""One line of a file in; a row fit for COPY, a repaired row, or a reason out."""

import re

from etl.files import Column, Kind, Table

LARGEST_INT = 2**31 - 1  # of PostgreSQL's integer
REPAIR = "the closing quote of the last field is missing"

# 12 digits are counted as they are written, leading zeros too.
PRICE = re.compile(rb"([0-9]{1,12})(\.[0-9]{1,6})?")
FLAGS = {b"1": b"t", b"t": b"t", b"true": b"t", b"0": b"f", b"f": b"f", b"false": b"f"}


class _UnfitError(Exception):
    """The line cannot be loaded; the message is the reason."""


def clean_line(table: Table, spaced: bool, line: bytes) -> tuple[bytes | None, str | None]:
    """Return what to COPY for one line without its line end, and what was wrong with it.

    That is (row, None) for a clean line, (row, reason) for one that was repaired and
    (None, reason) for one that is rejected. The row is CSV with its newline: numbers bare, texts
    quoted, NULL as a bare null, flags as t or f.
    """
    try:
        _check_encoding(line)
        fields, closed = _split(line, spaced)
        _check_shape(len(fields), len(table.columns), closed)
        cells = [_cell(column, value) for column, value in zip(table.columns, fields, strict=True)]
    except _UnfitError as error:
        return None, str(error)
    return b",".join(cells) + b"\n", None if closed else REPAIR


def _check_encoding(line: bytes) -> None:
    if b"\0" in line:
        raise _UnfitError(f"a NUL at byte {line.index(0) + 1} of the line")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise _UnfitError(f"not UTF-8 at byte {error.start + 1} of the line") from error


def _check_shape(found: int, expected: int, closed: bool) -> None:
    if not closed and found != expected:
        raise _UnfitError("a quote that is never closed")
    if found != expected:
        few_or_many = "few" if found < expected else "many"
        raise _UnfitError(f"too {few_or_many} fields: {found} of {expected}")


def _split(line: bytes, spaced: bool) -> tuple[list[bytes | None], bool]:
    """Return the fields, None for NULL, and whether the last one's quote is closed, if any."""
    fields: list[bytes | None] = []
    start = 0
    while True:
        if line.startswith(b'"', start):
            end = _closing_quote(line, start + 1)
            fields.append(line[start + 1 : end].replace(b'""', b'"'))
            if end == len(line):
                return fields, False
            end += 1
            if end < len(line) and not line.startswith(b",", end):
                raise _UnfitError("text after a closing quote")
        else:
            end = line.find(b",", start)
            end = len(line) if end < 0 else end
            fields.append(_bare(line[start:end]))
        if end == len(line):
            return fields, True
        start = end + (2 if spaced and line.startswith(b", ", end) else 1)


def _closing_quote(line: bytes, start: int) -> int:
    """Return where the text that begins at `start` has its closing quote; without one, the end."""
    end = line.find(b'"', start)
    while end >= 0 and line.startswith(b'"', end + 1):
        end = line.find(b'"', end + 2)
    return len(line) if end < 0 else end


def _bare(field: bytes) -> bytes | None:
    if b'"' in field:
        raise _UnfitError("a quote inside a field that does not begin with one")
    if field.endswith(b"\r"):
        raise _UnfitError("a field that ends with a carriage return")
    return None if field in (b"", b"null") else field


def _cell(column: Column, value: bytes | None) -> bytes:
    if value is None:
        if not column.nullable:
            raise _UnfitError(f"{column.name} is null")
        return b"null"
    return RULES[column.kind](column, value)


def _text(column: Column, value: bytes) -> bytes:
    return b'"' + value.replace(b'"', b'""') + b'"'


def _key(column: Column, value: bytes) -> bytes:
    number = _whole_number(value)
    if not number or number == b"0":
        raise _not(column, value, f"a positive whole number up to {LARGEST_INT}")
    return number


def _reference(column: Column, value: bytes) -> bytes:
    if _whole_number(value) == b"0":
        raise _UnfitError(column.orphaned)
    return _key(column, value)


def _quantity(column: Column, value: bytes) -> bytes:
    number = _whole_number(value)
    if not number:
        raise _not(column, value, f"a whole number up to {LARGEST_INT}")
    return number


def _whole_number(value: bytes) -> bytes | None:
    """Return the number without leading zeros, or None if it is none or no PostgreSQL integer."""
    if not value.isdigit():
        return None
    number = value.lstrip(b"0") or b"0"
    # int() refuses thousands of digits, so their count goes first.
    fits = len(number) <= len(str(LARGEST_INT)) and int(number) <= LARGEST_INT
    return number if fits else None


def _price(column: Column, value: bytes) -> bytes:
    match = PRICE.fullmatch(value)
    if not match:
        raise _not(column, value, "a price of up to 12 digits and 6 decimals")
    return (match[1].lstrip(b"0") or b"0") + (match[2] or b"")


def _sale_price(column: Column, value: bytes) -> bytes:
    price = _price(column, value)
    return price if price.strip(b"0.") else b"null"


def _flag(column: Column, value: bytes) -> bytes:
    if value not in FLAGS:
        raise _not(column, value, "one of 0 1 t f true false")
    return FLAGS[value]


def _not(column: Column, value: bytes, expected: str) -> _UnfitError:
    shown = value.decode()
    shown = repr(shown if len(shown) <= 40 else shown[:37] + "...")
    return _UnfitError(f"{column.name} is not {expected}: {shown}")


RULES = {
    Kind.KEY: _key,
    Kind.REFERENCE: _reference,
    Kind.TEXT: _text,
    Kind.PRICE: _price,
    Kind.SALE_PRICE: _sale_price,
    Kind.FLAG: _flag,
    Kind.QUANTITY: _quantity,
}
