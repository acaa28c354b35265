"""What the six CSV files look like: their names, columns, dialects and headers."""

import codecs
import os
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from etl.errors import EtlError

BOM = b"\xef\xbb\xbf"


class Kind(Enum):
    """What a cell holds; the rules for each are in etl.lines."""

    KEY = "a row's own id"
    REFERENCE = "the id of a row of another file"
    TEXT = "text"
    PRICE = "a price"
    SALE_PRICE = "a price, where 0 means none"
    FLAG = "a boolean"
    QUANTITY = "a whole number"


@dataclass(frozen=True)
class Column:
    """A column of a file. `spellings` are the names it goes by in headers; the first is the
    table's."""

    spellings: tuple[str, ...]
    kind: Kind
    nullable: bool = False
    parent: str | None = None  # for a REFERENCE: the table it refers to

    @property
    def name(self) -> str:
        """The column's name in the database."""
        return self.spellings[0]

    @property
    def orphaned(self) -> str:
        """Why a row is rejected whose parent is not there."""
        return f"unknown {(self.parent or '').removesuffix('s')}"


@dataclass(frozen=True)
class Table:
    """A table of the catalogue and the file that it is loaded from."""

    name: str
    file_names: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def references(self) -> tuple[Column, ...]:
        """The columns that refer to rows of another table."""
        return tuple(column for column in self.columns if column.parent)

    @property
    def owner(self) -> str:
        """The column that says within what its rows are in order; a product is alone in its own."""
        return self.references[0].name if self.references else ID.name


ID = Column(("id",), Kind.KEY)
PRODUCT_ID = Column(("product_id", "productId"), Kind.REFERENCE, parent="products")
STYLE_ID = Column(("style_id", "styleId"), Kind.REFERENCE, parent="styles")


def text(name: str, nullable: bool = False) -> Column:
    """Return a text column."""
    return Column((name,), Kind.TEXT, nullable)


# In the order of loading: a table stands after those it refers to. Digests hash the columns in this
# order, so with another one those that are recorded do not hold any more.
TABLES = (
    Table(
        "products",
        ("product.csv", "products.csv"),
        (
            ID,
            text("name"),
            text("slogan", nullable=True),
            text("description", nullable=True),
            text("category", nullable=True),
            Column(("default_price",), Kind.PRICE),
        ),
    ),
    Table(
        "features",
        ("features.csv",),
        (ID, PRODUCT_ID, text("feature"), text("value", nullable=True)),
    ),
    Table(
        "styles",
        ("styles.csv",),
        (
            ID,
            PRODUCT_ID,
            text("name"),
            Column(("sale_price",), Kind.SALE_PRICE, nullable=True),
            Column(("original_price",), Kind.PRICE),
            Column(("default_style",), Kind.FLAG),
        ),
    ),
    Table(
        "photos",
        ("photos.csv",),
        (ID, STYLE_ID, text("url", nullable=True), text("thumbnail_url", nullable=True)),
    ),
    Table(
        "skus",
        ("skus.csv",),
        (
            ID,
            STYLE_ID,
            text("size", nullable=True),
            Column(("quantity",), Kind.QUANTITY, nullable=True),
        ),
    ),
    Table(
        "related",
        ("related.csv",),
        (
            ID,
            Column(("current_product_id",), Kind.REFERENCE, parent="products"),
            Column(("related_product_id",), Kind.REFERENCE, parent="products"),
        ),
    ),
)


# A file of changes may have this column last: a row so marked is removed, and what belongs to it.
DELETED = Column(("deleted",), Kind.FLAG, nullable=True)


class FilesError(EtlError):
    """The folder cannot be loaded as it is; the message names the file and what was expected."""


@dataclass(frozen=True)
class SourceFile:
    """One of the six files, found and recognised, not yet read beyond its header."""

    table: Table
    path: Path
    size: int  # bytes
    spaced: bool  # fields are separated by a comma and a space (dialect B), not a bare comma
    header: bytes  # the header line as it stands, without BOM and line end
    data_offset: int  # where the first row begins, in bytes
    # Inode and time of the last change, ns: another one where the file was written to or replaced.
    state: tuple[int, int]

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name


def find_files(folder: Path) -> list[SourceFile]:
    """Return the six files of `folder` in the order of loading, with what their headers tell.

    Raises FilesError for the first file that is missing, there under both its names, not a
    readable regular file, or whose header is not recognised.
    """
    _expect_folder(folder)
    return [_open_table(folder, table) for table in TABLES]


def _expect_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise FilesError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}")


def find_changes(folder: Path) -> list[SourceFile]:
    """Return those of the six files that `folder` has, which may mark rows as deleted.

    Raises FilesError as find_files does, but only if all are missing.
    """
    _expect_folder(folder)
    present = [table for table in TABLES if _found(folder, table)]
    if not present:
        names = ", ".join(table.file_names[-1] for table in TABLES)
        raise FilesError(f"{folder}: no file to load; expected one or more of {names}")
    return [_open_table(folder, table, changes=True) for table in present]


def _found(folder: Path, table: Table) -> list[Path]:
    """Return the table's files; a link that leads nowhere is one, that cannot be read."""
    return [folder / name for name in table.file_names if _is_there(folder / name)]


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FilesError(f"{path}: cannot be looked at: {error.strerror}") from error
    return True


def _open_table(folder: Path, table: Table, changes: bool = False) -> SourceFile:
    found = _found(folder, table)
    wanted = " or ".join(table.file_names)
    if not found:
        raise FilesError(f"{folder / table.file_names[-1]}: missing; expected {wanted}")
    if len(found) > 1:
        raise FilesError(f"{folder}: both {found[0].name} and {found[1].name} are there; keep one")
    start = _read_start(found[0])
    if changes and recognise_header(_marked(table), start.header) is not None:
        table = _marked(table)
    return _source(table, found[0], start)


def _marked(table: Table) -> Table:
    """Return the table of a file whose rows may be marked as deleted."""
    return replace(table, columns=(*table.columns, DELETED))


def read_header(table: Table, path: Path) -> SourceFile:
    """Return what the first line of the file tells. Raises FilesError."""
    return _source(table, path, _read_start(path))


def _source(table: Table, path: Path, start: "_Start") -> SourceFile:
    spaced = recognise_header(table, start.header)
    if spaced is None:
        expected = ",".join(column.name for column in table.columns)
        raise FilesError(
            f"{path}: header not recognised{_hint(table, start.header)}; expected {expected}; "
            f"found {_shown(start.header) or 'nothing'}"
        )
    return SourceFile(table, path, start.size, spaced, start.header, start.data_offset, start.state)


def _hint(table: Table, header: bytes) -> str:
    """Return what is probably wrong with it, to be read after it was called not recognised."""
    if header.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ", which is UTF-16: write the file as UTF-8"
    if header.startswith(b"\x1f\x8b"):
        return ", the file is compressed: unpack it"
    if b"\0" in header:
        return ", which has bytes of zero, as UTF-16 has: write the file as UTF-8"
    if recognise_header(table, header.rstrip(b"\r")) is not None:
        return ", its lines end with a carriage return too many"
    if b"\r" in header:
        return ", its lines end with a carriage return alone: end them with a newline"
    if recognise_header(_marked(table), header) is not None:
        return f": {DELETED.name} is for changes (--mode upsert)"
    return ""


def _shown(header: bytes) -> str:
    """Return its beginning, with escapes for what a terminal would not show."""
    text = header[:200].decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


class _Start(NamedTuple):
    """What a file's beginning tells, whatever its header: as SourceFile has it."""

    state: tuple[int, int]
    size: int
    header: bytes
    data_offset: int


def _read_start(path: Path) -> _Start:
    """Return what the file's beginning tells. Raises FilesError."""
    if not path.exists():
        raise FilesError(f"{path}: a link that leads nowhere")
    if not path.is_file():
        raise FilesError(f"{path}: not a regular file")
    try:
        with path.open("rb") as stream:
            now = os.fstat(stream.fileno())
            start = stream.read(64 * 1024)
    except OSError as error:
        raise FilesError(f"{path}: cannot be read: {error.strerror}") from error
    skipped = len(BOM) if start.startswith(BOM) else 0
    line, newline, _ = start[skipped:].partition(b"\n")
    state = now.st_ino, now.st_mtime_ns
    data_offset = skipped + len(line) + len(newline)
    return _Start(state, now.st_size, line.removesuffix(b"\r"), data_offset)


def recognise_header(table: Table, header: bytes) -> bool | None:
    """Return whether fields are separated by comma and space, or None for a foreign header."""
    for spaced, separator in ((False, b","), (True, b", ")):
        names = header.split(separator)
        if len(names) == len(table.columns) and all(
            name in {spelling.encode() for spelling in column.spellings}
            for name, column in zip(names, table.columns, strict=True)
        ):
            return spaced
    return None
