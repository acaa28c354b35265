"""The files of a schema's tables and indexes, and keeping them in the system's cache."""

import mmap
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.connection import Connection


def find_files(connection: Connection, schema: str) -> list[Path]:
    """Return the files, all segments and forks, that can be seen from here. Raises DatabaseError.

    None where the server runs on another machine, or we may not look into its folder.
    """
    rows = connection.run("find_files", {"schema": schema})
    mains = [Path(folder, path) for folder, path in rows if folder]
    numbers = {main.name for main in mains}
    try:
        return sorted(
            file
            for folder in {main.parent for main in mains}
            for file in folder.iterdir()
            if file.name.partition(".")[0].partition("_")[0] in numbers
        )
    except OSError:
        return []


@contextmanager
def kept(files: Iterable[Path]) -> Iterator[bool]:
    """Have the files read, and in the system's cache while the block runs; yield whether they are.

    Mapped, since a kernel may page out what is only read, long before memory is scarce: DAMON does
    where it is told to, and cannot see that each page of many is read now and then.
    https://docs.kernel.org/admin-guide/mm/damon/usage.html (action pageout, filter unmapped)
    """
    with ExitStack() as maps:
        found = False
        try:
            for file in files:
                if file.stat().st_size:  # what is empty cannot be mapped
                    maps.enter_context(_mapped(file))
                    found = True
        except OSError:
            found = False
        yield found


def _mapped(file: Path) -> mmap.mmap:
    """Map a file, all of it read. Raises OSError."""
    flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, flags=flags, prot=mmap.PROT_READ)
