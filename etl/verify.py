"""Whether the catalogue that is served is what a folder of files says, row by row."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from etl.build import Builder
from etl.connection import Connection
from etl.digest import compute_digests
from etl.errors import EtlError
from etl.files import find_files
from etl.progress import Progress
from etl.report import NoReport
from etl.schemas import SCRATCH, SERVED
from etl.space import check_space
from etl.tally import Tally


class VerifyError(EtlError):
    """The two could not be compared."""


@dataclass(frozen=True)
class Comparison:
    """One table: its rows in the files (those that load) and as served, and whether all agree."""

    table: str
    in_files: int
    served: int
    equal: bool  # the same rows in the same order within their parents


def verify(url: str, folder: Path, progress: Progress) -> list[Comparison]:
    """Compare a folder of files with the catalogue that is served, which is only read.

    The files go through the same cleaning and checks as in a load, into temporary tables. Raises
    FilesError, another EtlError, or OSError with the name of the file.
    """
    sources = find_files(folder)
    with closing(Connection(url)) as connection:
        connection.require_catalogue()
        check_space(connection, sources)
        builder = Builder(connection, SCRATCH, NoReport(), progress)
        for source in sources:
            builder.load_file(source, Tally())
        # one delivery is compared, not parts of two
        for source in sources:
            builder.check_unchanged(source)
        with progress.step("computing the files' digest"):
            expected = compute_digests(connection, SCRATCH)
        number = connection.value("get_load_number")
        with progress.step("computing the served catalogue's digest"):
            served = compute_digests(connection, SERVED)
            if connection.value("get_load_number") != number:
                raise VerifyError("a load was published meanwhile: verify again")
    return [
        Comparison(table, in_files.rows, served[table].rows, in_files == served[table])
        for table, in_files in expected.items()
    ]
