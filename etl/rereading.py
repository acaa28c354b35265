"""Lines of a source file, read again where they are to be listed."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.files import SourceFile

_CHUNK = 1 << 20  # bytes


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the path in errors of reading and writing, which know no more than a descriptor."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def read_part(path: Path, offset: int, length: int) -> Iterator[bytes]:
    """Yield the bytes of that part of the file, a chunk at a time."""
    with naming(path), path.open("rb") as stream:
        while length:
            chunk = os.pread(stream.fileno(), min(length, _CHUNK), offset)
            if not chunk:
                return
            yield chunk
            offset += len(chunk)
            length -= len(chunk)


def locate_lines(source: SourceFile, lines: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (line, offset, length without the line end) of these lines, whose numbers ascend."""
    with naming(source.path), source.path.open("rb") as stream:
        stream.seek(source.data_offset)
        block, block_offset = b"", source.data_offset
        at, line = 0, 2  # `line` begins at block[at], or ends there
        ends = 0  # line ends from there on

        def advance() -> bool:
            nonlocal block, block_offset, at, ends
            block_offset += len(block)
            block, at = stream.read(_CHUNK), 0
            ends = block.count(b"\n")
            return bool(block)

        for wanted in lines:
            while line + ends < wanted:
                line += ends
                if not advance():
                    return
            for _ in range(wanted - line):
                at = block.index(b"\n", at) + 1
            ends -= wanted - line
            line = wanted
            start = block_offset + at
            while (end := block.find(b"\n", at)) < 0 and advance():
                pass
            at = end if end >= 0 else len(block)
            yield wanted, start, _without_return(source.path, start, block_offset + at)


def _without_return(path: Path, start: int, stop: int) -> int:
    """Return the line's length, less a carriage return at its end."""
    last = b"".join(read_part(path, stop - 1, 1)) if stop > start else b""
    return stop - start - (last == b"\r")
