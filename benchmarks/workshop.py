"""A folder with a database server of a benchmark's own, cleared away afterwards."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import programs
from benchmarks.errors import BenchmarkError
from benchmarks.servers import plain_environment
from products_service.config import load_settings
from products_service.database_urls import database_url
from products_service.embedded import running, stop
from products_service.embedded.binaries import wheel_folder
from products_service.embedded.place import PROGRAMS, locate, outside

# What files, tables and the write-ahead log take at most, measured, for each product.
BYTES_PER_PRODUCT = 26_000
BYTES_OF_A_SERVER = 200_000_000


@dataclass(frozen=True)
class Workshop:
    """Where a benchmark works: an embedded server with the shipped settings, and room for files."""

    folder: Path

    @property
    def devdb(self) -> Path:
        """The folder of the server."""
        return self.folder / "devdb"

    @property
    def url(self) -> str:
        """Where the superuser connects."""
        return database_url(load_settings({"DEVDB_DIR": str(self.devdb)}), "admin")

    @property
    def environment(self) -> dict[str, str]:
        """Our variables without any setting of the service, but for those that lead here."""
        return plain_environment() | {"DEVDB_DIR": str(self.devdb)}

    @staticmethod
    def flask(*arguments: str | Path) -> list[str]:
        """Return a command of the service's, to be run in this environment."""
        return [sys.executable, "-m", "flask", *map(os.fspath, arguments)]

    def run(self, argv: Sequence[str | Path], text: str | None = None) -> str:
        """Run a program to its end and return what it printed. Raises BenchmarkError."""
        return programs.run(argv, self.environment, text)

    def psql(self, script: str) -> str:
        """Run a script with psql and return what it printed. Raises BenchmarkError."""
        options = ["--no-psqlrc", "--quiet", "--tuples-only", "-v", "ON_ERROR_STOP=1"]
        return self.run([wheel_folder() / "bin" / "psql", self.url, *options], script)


@contextmanager
def own_workshop(folder: Path, products: int) -> Iterator[Workshop]:
    """Yield the workshop in `folder` with its server running, gone afterwards, however that comes.

    What a run that was killed has left is cleared first. Raises BenchmarkError if the disk is too
    full for so many products, and EmbeddedError.
    """
    workshop = Workshop(folder.absolute())
    clear(workshop)
    workshop.folder.mkdir(parents=True)
    try:
        check_disk(workshop, products)
        with running(workshop.devdb):
            yield workshop
    finally:
        clear(workshop)


def clear(workshop: Workshop) -> None:
    """Stop the server and remove all that there is."""
    stop(workshop.devdb)
    for what in ("", PROGRAMS):
        shutil.rmtree(outside(workshop.devdb.resolve(), what), ignore_errors=True)
    shutil.rmtree(workshop.folder, ignore_errors=True)


def check_disk(workshop: Workshop, products: int) -> None:
    """Raise BenchmarkError unless there is room for so many products, files and server."""
    needed = BYTES_OF_A_SERVER + BYTES_PER_PRODUCT * products
    home = locate(workshop.devdb).home
    for folder in {workshop.folder, next(path for path in home.parents if path.exists())}:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise BenchmarkError(
                f"{products:,} products take about {needed / 1e9:,.1f} GB and {folder} has "
                f"{free / 1e9:,.1f} GB free: make room, or name fewer with --products"
            )
