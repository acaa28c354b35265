"""What the tests of loads share: a small catalogue, what is served, and the real command."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

from etl.connection import Connection
from etl.digest import combine, compute_digests
from etl.files import TABLES
from etl.outcome import Outcome
from etl.progress import Progress
from tests.catalogue import Cell, Rows
from tests.conftest import Database
from tests.servers import query
from tests.waiting import HANG

TABLE = {table.name: table for table in TABLES}
COUNTS = ("read", "loaded", "repaired", "rejected")

# Three rows a table, so that a line put before the last one has neighbours on both sides.
ROWS: Rows = {
    "products": [
        (1, "Onesie", "Blend in", "The fatigues, so to say", "Jackets", "140"),
        (2, 'The "X"', None, "", "null", "69.90"),
        (3, "日本", "é, è", None, None, "500000000"),
    ],
    "features": [(1, 1, "Fabric", "Canvas"), (3, 1, "Cut", None), (2, 2, "Lenses", "null")],
    "styles": [
        (1, 1, "Forest", None, "140", True),
        (2, 1, "Desert, dry", "100.50", "140.00", False),
        (5, 2, "Gold", "0.5", "69", False),
    ],
    "photos": [
        (1, 1, "https://e.example/1", "uhttps://e.example/1t"),
        (3, 1, None, "https://e.example/3t"),
        (2, 2, "https://e.example/2", None),
    ],
    "skus": [(1, 1, "XS", 8), (3, 1, None, 0), (2, 5, "7, 5", None)],
    "related": [(1, 1, 2), (3, 1, 3), (2, 2, 1)],
}

SUMMARY = {f"{name}.csv": (3, 3, 0, 0) for name in ROWS}
AS_IT_WAS = "The catalogue is as it was.\n"


def file_name(table: str) -> str:
    """Return the name that `write_catalogue` gives to the table's file."""
    return TABLE[table].file_names[-1]


def counts(result: Outcome) -> dict[str, tuple[int, ...]]:
    """Return the rows read, loaded, repaired and rejected of each file."""
    return {
        name: tuple(tally.counts()[figure] for figure in COUNTS)
        for name, tally in result.tallies.items()
    }


def account(printed: str) -> dict[str, tuple[int, ...]]:
    """Return the rows of the printed summary: read, loaded, repaired and rejected by file."""
    header, *lines = printed.splitlines()
    assert header.split() == ["file", *COUNTS, "seconds", "rows/s"]
    rows = [line.split() for line in lines if len(line.split()) == 7]
    return {row[0]: tuple(int(cell.replace(",", "")) for cell in row[1:5]) for row in rows}


def add_bad_lines(folder: Path, bad: int, good: int) -> None:
    """Make photos.csv one of so many lines that are rejected and so many that are loaded."""
    lines = ["id,style_id,url,thumbnail_url"]
    lines += [f"{id_},1,u,t" for id_ in range(1, good + 1)] + ["bad"] * bad
    (folder / "photos.csv").write_text("\n".join(lines))


def add_long_bad_lines(folder: Path) -> None:
    """Make photos.csv so much to report that it is written while the file is read."""
    (folder / "photos.csv").write_text(
        "id,style_id,url,thumbnail_url\n" + f"{'bad' * 10_000}\n" * 10
    )


def texts(rows: list[tuple[Cell, ...]]) -> list[tuple[str | None, ...]]:
    """Return the rows as PostgreSQL writes them."""
    return [tuple(None if cell is None else _text(cell) for cell in row) for row in rows]


def _text(cell: Cell) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def rows_of(database: Database, table: str) -> list[tuple[str | None, ...]]:
    """Return the rows that are served, as text, in the order of the file."""
    columns = ", ".join(f"{column.name}::text" for column in TABLE[table].columns)
    return query(database.admin, f"SELECT {columns} FROM catalogue.{table} ORDER BY position")


def assert_account(database: Database, result: Outcome) -> None:
    """Hold a published load to `read = loaded + rejected`, and to the rows that are served."""
    (found,) = query(
        database.admin,
        "SELECT "
        + ", ".join(f"(SELECT count(*)::integer FROM catalogue.{table})" for table in TABLE),
    )
    for rows, (name, (read, loaded, repaired, rejected)) in zip(
        found, counts(result).items(), strict=True
    ):
        assert read == loaded + rejected, name
        assert repaired <= loaded == rows, name


def served(database: Database) -> tuple[int, str]:
    """Return the number of the load that is served and the digest of the rows that really are."""
    with closing(Connection(database.etl)) as connection:
        return connection.value("get_load_number"), combine(
            compute_digests(connection, "catalogue")
        )


def recorded(database: Database) -> list[tuple[int, str]]:
    """Return number and digest of each load that was published."""
    return query(database.admin, "SELECT number, digest FROM etl.loads ORDER BY number")


def schemas(database: Database) -> list[str]:
    """Return the schemas that loads make and leave."""
    statement = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^catalogue' ORDER BY 1"
    return [name for (name,) in query(database.admin, statement)]


class At(Progress):
    """Does something once at a point of a load: before a file is read, while, or at a step."""

    def __init__(self, point: str, action: Callable[[], Any]):
        self.point = point
        self.action = action
        self.done = False

    def reach(self, point: str) -> None:
        if point == self.point and not self.done:
            self.done = True
            self.action()

    def begin_file(self, what: str, size: int, unit: str = "bytes") -> None:
        self.what = what
        self.reach(f"begin {what}")

    def advance(self, size: int) -> None:
        self.reach(self.what)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.reach(name)
        yield


def command(database: Database, *arguments: str | Path) -> dict[str, Any]:
    """Return what starts `flask etl ...` on a database, as keywords for subprocess."""
    return {
        "args": [sys.executable, "-m", "flask", "etl", *map(os.fspath, arguments)],
        "env": os.environ | database.environment,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def flask_etl(database: Database, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `flask etl ...` to its end. A traceback is never an answer."""
    done = subprocess.run(**command(database, *arguments), timeout=HANG, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    return done


@contextmanager
def started(database: Database, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start `flask etl ...`; it is killed at the end if it still runs."""
    # it would be deaf to SIGHUP where the tests run under nohup
    hears = partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)
    with subprocess.Popen(**command(database, *arguments), preexec_fn=hears) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def watching(database: Database) -> Iterator[Callable[[str], bool]]:
    """Yield a function that tells whether a load's last statement matches a pattern."""
    with closing(psycopg2.connect(database.admin)) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def runs(pattern: str) -> bool:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'flask etl' AND query ~ %s",
                (pattern,),
            )
            return cursor.fetchone() is not None

        yield runs
