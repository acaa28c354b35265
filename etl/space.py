"""Whether the disk has room for another catalogue, asked before anything is built."""

import shutil
from collections.abc import Sequence

from etl.connection import Connection
from etl.errors import EtlError
from etl.files import SourceFile

# Bytes on disk for a byte of CSV: 1.9 for tables and indexes, measured; the rest is for sorting
# and for write-ahead log that is soon used again. Log that is archived, or kept for a standby,
# takes 2.5 more, which is not counted here.
FACTOR = 2.5


class SpaceError(EtlError):
    """The server's disk is too full for the load; the message has both figures."""


def check_space(connection: Connection, sources: Sequence[SourceFile]) -> None:
    """Raise SpaceError when the server's data folder is on this machine and lacks the room.

    Nothing is known of another machine's disk, nor where we may not see where the data are.
    """
    folder = connection.value("find_data_directory")
    if folder is None:
        return
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    needed = int(sum(source.size for source in sources) * FACTOR)
    if needed > free:
        raise SpaceError(
            f"the disk of the server's data has {_megabytes(free)} free and the load takes about "
            f"{_megabytes(needed)}: make room in {folder}"
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
