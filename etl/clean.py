"""The rows of one file, cleaned on their way to COPY; lines that are clean pass in long runs."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from etl.errors import EtlError
from etl.files import Column, Kind, SourceFile, Table
from etl.lines import clean_line
from etl.tally import Tally

# What a copy that broke off, or a crash, leaves of a file whose room was taken beforehand: zeros
# up to its end, or for a while. Any number of rows may be missing there, though they are one line.
HOLE = bytes(4096)
# Rows that end with a carriage return alone are one line, too. Of as many parts of it, so many rows
# are no accident.
PARTS, ROWS = 100, 2


@dataclass(frozen=True)
class Incident:
    """A line that was repaired or rejected."""

    line: int  # its number in the file; the header is line 1
    offset: int  # where it begins in the file, in bytes
    length: int  # in bytes, without the line end
    reason: str
    rejected: bool  # False: repaired and loaded


class DamagedError(EtlError):
    """The file was damaged on its way: what is one line may have been any number of rows."""


class Stream(Protocol):
    """What a file is read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class Cleaner:
    """The rows of a file as `COPY ... FROM STDIN (FORMAT csv, NULL 'null')` takes them.

    `stream` stands after the header. `tally` is filled as they are read: what is loaded by it is
    what COPY is given. A line of more than `max_line` bytes, without its newline, is rejected.
    About `block_size` + `max_line` bytes are held at a time, and some copies of them.
    `on_incident` is called for each line that is repaired or rejected, in the order of the file.
    Reading raises DamagedError where a line has 4096 zero bytes in a row, or rows with a carriage
    return between them.
    """

    def __init__(
        self,
        source: SourceFile,
        stream: Stream,
        tally: Tally,
        on_incident: Callable[[Incident], None],
        block_size: int = 1 << 20,
        max_line: int = 1 << 20,
    ) -> None:
        self._source = source
        self._stream = stream
        self._tally = tally
        self._on_incident = on_incident
        self._block_size = block_size
        self._max_line = max_line
        self._line_offset = source.data_offset  # where the next line begins in the file
        self._outputs = (self._clean_block(block) for block in self._blocks())
        self._output = b""
        self._given = 0  # how much of _output was read

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size` and maybe fewer, or all that are left.

        Returns b"" at the end, and only there.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(self._block_size), b""))
        while self._given == len(self._output):
            output = next(self._outputs, None)
            if output is None:
                return b""
            self._output, self._given = output, 0
        piece = self._output[self._given : self._given + size]
        self._given += len(piece)
        return piece

    def _blocks(self) -> Iterator[bytes]:
        """Yield blocks of whole lines, and reject on the way those that are too long for one."""
        data = b""
        while True:
            end = data.rfind(b"\n", 0, self._max_line + 1) + 1
            if end:
                yield data[:end]
                data = data[end:]
            elif len(data) > self._max_line:
                data = self._skip_line(data)
            elif chunk := self._stream.read(self._block_size):
                data += chunk
            else:
                break
        if data:
            yield data + b"\n"

    def _skip_line(self, data: bytes) -> bytes:
        """Reject the line that `data` begins with and return what was read beyond it."""
        self._refuse_joined_rows(data.partition(b"\n")[0])
        length = 0  # of the parts that hold no newline
        last = b""  # what a hole may begin with that ends in the next part
        while data and b"\n" not in data:
            length += len(data)
            last += data
            self._refuse_hole(last)
            last = last[-len(HOLE) :]
            data = self._stream.read(self._block_size)
        head, newline, rest = data.partition(b"\n")
        length += len(head)
        self._refuse_hole(last + head)
        carriage_return = (last + head).endswith(b"\r")
        self._report(length - carriage_return, f"longer than {self._max_line} bytes", True)
        self._line_offset += length + len(newline)
        return rest

    def _clean_block(self, block: bytes) -> bytes:
        pattern = clean_lines_pattern(self._source.table, self._source.spaced, not _is_utf8(block))
        pieces = []
        start = 0
        while start < len(block):
            match = pattern.match(block, start)
            # Before Python 3.11.5 a match may reach into the line that ended the run.
            end = block.rfind(b"\n", start, match.end()) + 1 if match else 0
            if end:
                pieces.append(self._pass_run(block[start:end]))
            else:
                end = block.index(b"\n", start) + 1
                pieces.append(self._take_line(block[start:end]))
            start = end
        return b"".join(pieces)

    def _pass_run(self, run: bytes) -> bytes:
        rows = run.count(b"\n")
        self._tally.read += rows
        self._tally.loaded += rows
        self._line_offset += len(run)
        if b"\r" in run:  # at the ends of lines alone, or the run would not have matched
            run = run.replace(b"\r\n", b"\n")
        if self._source.spaced:
            run = close_up(run, rows * (len(self._source.table.columns) - 1))
        return run

    def _take_line(self, line: bytes) -> bytes:
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        row, reason = clean_line(self._source.table, self._source.spaced, text)
        if reason is None:
            self._tally.read += 1
        else:
            self._refuse_hole(text)
            self._refuse_joined_rows(text)
            self._report(len(text), reason, row is None)
        self._line_offset += len(line)
        if row is None:
            return b""
        self._tally.loaded += 1
        return row

    def _refuse_hole(self, text: bytes) -> None:
        """Raise DamagedError where a part of the file was never written."""
        if HOLE in text:
            raise DamagedError(
                f"{self._source.name}: line {self._tally.read + 2} has {len(HOLE)} zero bytes in a "
                "row or more: that part of the file was never written, so fetch it again"
            )

    def _refuse_joined_rows(self, text: bytes) -> None:
        parts = text.split(b"\r", PARTS)[:PARTS]
        cleaned = (clean_line(self._source.table, self._source.spaced, part) for part in parts)
        if len(parts) > 1 and sum(row is not None for row, _ in cleaned) >= ROWS:
            raise DamagedError(
                f"{self._source.name}: line {self._tally.read + 2} has rows that end with a "
                "carriage return alone: end each with a newline"
            )

    def _report(self, length: int, reason: str, rejected: bool) -> None:
        tally = self._tally
        tally.read += 1
        line = tally.read + 1  # after the header
        if rejected:
            tally.rejected += 1
            tally.rejected_lines.append(line)
        else:
            tally.repaired += 1
            tally.repaired_lines.append(line)
        self._on_incident(Incident(line, self._line_offset, length, reason, rejected))


def close_up(run: bytes, separators: int) -> bytes:
    """Return clean lines that have so many separators without the spaces that follow these."""
    if run.count(b",") == separators:  # so no text has a comma
        return run.replace(b", ", b",")
    # Every other part stands outside of quotes; between doubled ones that part is empty.
    parts = run.split(b'"')
    parts[::2] = b'"'.join(parts[::2]).replace(b", ", b",").split(b'"')
    return b'"'.join(parts)


@cache
def clean_lines_pattern(table: Table, spaced: bool, ascii_only: bool) -> re.Pattern[bytes]:
    """Return the pattern of a run of lines that COPY takes as they are, but for "\\r" and spaces.

    It matches less than what `clean_line` accepts, in favour of speed: no doubled quotes, quoted
    numbers, leading zeros, numbers above 999999999, control characters or empty fields.
    With `ascii_only` it is for blocks that are not UTF-8: lines with other bytes are left out.
    """
    separator = b", ?+" if spaced else b","
    line = separator.join(_clean_field(column, ascii_only) for column in table.columns)
    # Possessive: without it, sre remembers each line of a run to go back to.
    return re.compile(b"(?:" + line + b"\r?\n)++")


def _clean_field(column: Column, ascii_only: bool) -> bytes:
    last = b"~" if ascii_only else rb"\xff"
    # Neither '"' nor control characters; outside of quotes not "," (\x2c) either.
    quoted = rb'"[ !#-%b]*+"' % last
    bare = rb"[ !#-\x2b\x2d-%b]++" % last
    whole = rb"[1-9][0-9]{0,8}+"
    price = rb"[1-9][0-9]{0,11}+(?:\.[0-9]{1,6}+)?"
    choices = {
        Kind.KEY: [whole],
        Kind.REFERENCE: [whole],
        # What may not be NULL is never the last field. And no assertion may look at a line end: see
        # `_clean_block`, which goes back to the last one that was seen.
        Kind.TEXT: [quoted, bare if column.nullable else rb"(?!null,)" + bare],
        Kind.PRICE: [price, rb"0(?:\.[0-9]{1,6}+)?"],
        Kind.SALE_PRICE: [price],
        Kind.FLAG: [b"[01tf]", b"true", b"false"],
        Kind.QUANTITY: [whole, b"0"],
    }[column.kind]
    if column.nullable and column.kind is not Kind.TEXT:
        choices.append(b"null")
    return b"(?:" + b"|".join(choices) + b")"


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
