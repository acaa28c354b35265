"""Catalogues as tests write them: six CSV files from rows, in any dialect."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import get_wait_callback, set_wait_callback

from etl.connection import Connection
from etl.files import TABLES, Kind, Table
from etl.limits import MAX_REJECTS, RowLimit
from etl.load import load
from etl.outcome import Outcome
from etl.progress import Progress

SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "atelier-sample"

Cell = str | int | bool | None
Rows = Mapping[str, Sequence[Sequence[Cell]]]


def render_cell(cell: Cell, kind: Kind) -> str:
    """Return a cell as the published files have it: text quoted, the rest bare, NULL as null."""
    if cell is None:
        return "null"
    if kind is Kind.TEXT:
        return '"' + str(cell).replace('"', '""') + '"'
    return str(int(cell)) if isinstance(cell, bool) else str(cell)


def render_file(
    table: Table, rows: Sequence[Sequence[Cell]], separator: str = ",", camel: bool = False
) -> str:
    """Return a whole file; `camel` spells keys like productId where a header may."""
    names = [column.spellings[-1 if camel else 0] for column in table.columns]
    kinds = [column.kind for column in table.columns]
    lines = [separator.join(names)]
    for row in rows:
        cells = zip(row, kinds, strict=True)
        lines.append(separator.join(render_cell(cell, kind) for cell, kind in cells))
    return "\n".join(lines) + "\n"


def write_catalogue(folder: Path, rows: Rows, separator: str = ",", camel: bool = False) -> Path:
    """Write the six files, empty but for their headers where `rows` has nothing for them."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        text = render_file(table, rows.get(table.name, ()), separator, camel)
        (folder / table.file_names[-1]).write_text(text, "utf-8", newline="")
    return folder


def load_catalogue(
    url: str,
    folder: Path,
    report: Path,
    max_rejects: RowLimit = MAX_REJECTS,
    progress: Progress | None = None,
) -> Outcome:
    """Load a folder in this process and return what the load did. Raises what it raises."""
    result = Outcome(folder)
    with without_wait_callback(), publishing_at_leisure():
        load(url, result, report, max_rejects, progress or Progress())
    return result


def publish(url: str, rows: Rows, folders: pytest.TempPathFactory) -> Outcome:
    """Load rows and return what the load did."""
    folder = write_catalogue(folders.mktemp("catalogue"), rows)
    return load_catalogue(url, folder, folders.mktemp("report"))


@contextmanager
def publishing_at_leisure() -> Iterator[None]:
    """Have no load of this process be ended because the machine stands still while it publishes."""
    run = Connection.run

    def run_then_forget_the_limit(self: Connection, name: str, *args: Any, **kwargs: Any) -> Any:
        found = run(self, name, *args, **kwargs)
        if name == "lock_catalogue":
            with self._connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "run", run_then_forget_the_limit)
        yield


@contextmanager
def without_wait_callback() -> Iterator[None]:
    """COPY does not go with the service's wait callback, which another test may have set."""
    callback = get_wait_callback()
    set_wait_callback(None)
    try:
        yield
    finally:
        set_wait_callback(callback)
