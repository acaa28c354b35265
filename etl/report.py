"""What became of the lines that were not loaded as they stood: rejects.csv and rejects/."""

import codecs
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Protocol

from etl.clean import Incident
from etl.errors import EtlError, LoadError
from etl.files import TABLES, SourceFile
from etl.rereading import naming, read_part


class ReportError(EtlError):
    """The report cannot be written where it is to be; the message says what to do."""


def refuse_own_report(sources: list[SourceFile], report_folder: Path) -> None:
    """Raise LoadError when the report would be written over the files that are read."""
    listing = report_folder / "rejects.csv"
    rejects = os.path.realpath(report_folder / "rejects")
    for source in sources:
        # of a link, and of what it leads to
        folders = [os.path.realpath(source.path.parent)]
        folders.append(os.path.dirname(os.path.realpath(source.path)))
        if rejects in folders or (listing.exists() and listing.samefile(source.path)):
            raise LoadError(
                f"{source.path} is where the rejects of this load go: move it, or name another "
                "place with --report"
            )


class Listing(Protocol):
    """Where lines go that are not loaded as they stand."""

    def add(self, source: SourceFile, incident: Incident) -> None:
        """List a line."""


class NoReport:
    """Lists nothing."""

    def add(self, source: SourceFile, incident: Incident) -> None:
        """Let the line go."""


class Report:
    """Writes rejects.csv (every repaired or rejected line, whole, with the reason) and beside it
    the folder rejects/ (the rejected lines alone, in the format of the six files).

    Raises OSError, which names the file or folder, when they cannot be written, and ReportError
    while another load, of another database, writes them.
    """

    def __init__(self, folder: Path):
        """Begin both anew in `folder`."""
        self.path = folder / "rejects.csv"
        self.folder = folder / "rejects"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._files = ExitStack()
        self._files.enter_context(_held(self.folder))
        for table in TABLES:
            for name in table.file_names:
                (self.folder / name).unlink(missing_ok=True)
        self._csv = self._files.enter_context(self.path.open("w", encoding="utf-8", newline=""))
        self._csv.write("file,line,action,reason,text\n")
        self._rejects: dict[str, IO[bytes]] = {}

    def add(self, source: SourceFile, incident: Incident) -> None:
        """List a line, whose text is read from its file again."""
        with naming(self.path.parent):
            self._add(source, incident)

    def _add(self, source: SourceFile, incident: Incident) -> None:
        action = "rejected" if incident.rejected else "repaired"
        start = [source.name, str(incident.line), action, incident.reason]
        self._csv.write(",".join(map(_quoted, start)) + ',"')
        # A text that is not UTF-8 is shown with escapes; rejects/ has its bytes.
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        rejects = self._open(source) if incident.rejected else None
        chunk = b""
        for chunk in read_part(source.path, incident.offset, incident.length):
            self._csv.write(decoder.decode(chunk).replace('"', '""'))
            if rejects:
                rejects.write(chunk)
        self._csv.write(decoder.decode(b"", final=True) + '"\n')
        if rejects:
            # a carriage return that is wrong would be half of a right line end
            rejects.write(b"\r\n" if chunk.endswith(b"\r") else b"\n")

    def _open(self, source: SourceFile) -> IO[bytes]:
        if source.name not in self._rejects:
            file = self._files.enter_context((self.folder / source.name).open("wb"))
            file.write(source.header + b"\n")
            self._rejects[source.name] = file
        return self._rejects[source.name]

    def close(self) -> None:
        """Write what is still held. Raises OSError when there is no room for it."""
        with naming(self.path.parent):
            self._files.close()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which the kernel takes back however we end. Raises ReportError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ReportError(
            f"another load writes its rejects into {folder}: wait until it has ended, or name "
            "another place with --report"
        ) from None
    finally:
        os.close(descriptor)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
