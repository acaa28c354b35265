"""What an upsert does to a catalogue: the command's own, and a model of it in Python."""

from contextlib import closing
from pathlib import Path

from etl.connection import Connection
from etl.digest import combine, compute_digests
from etl.files import DELETED, TABLES
from etl.limits import MAX_REJECTS
from etl.outcome import Outcome
from etl.progress import Progress
from etl.upsert import upsert
from etl.verify import verify
from tests.catalogue import render_cell, write_catalogue
from tests.conftest import Database
from tests.servers import query

Model = dict[str, list[tuple]]
# Of each table's rows: where a parent's id stands, and whose.
PARENTS = {
    "features": [(1, "products")],
    "styles": [(1, "products")],
    "photos": [(1, "styles")],
    "skus": [(1, "styles")],
    "related": [(1, "products"), (2, "products")],
}


def write_changes(folder: Path, changes: Model) -> Path:
    """Write files of changes; the last cell of a row is its `deleted`."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        if table.name in changes:
            columns = (*table.columns, DELETED)
            lines = [",".join(column.name for column in columns)]
            for row in changes[table.name]:
                cells = zip(row, columns, strict=True)
                lines.append(",".join(render_cell(c, column.kind) for c, column in cells))
            (folder / table.file_names[-1]).write_text("\n".join(lines), "utf-8")
    return folder


def run_upsert(database: Database, folder: Path, report: Path) -> Outcome:
    result = Outcome(folder)
    upsert(database.etl, result, report, MAX_REJECTS, Progress())
    return result


def merge(model: Model, changes: Model) -> tuple[Model, int]:
    """Return what the catalogue is after the changes, and how many rows are rejected."""
    merged = {table.name: list(model[table.name]) for table in TABLES}
    going = {name: {row[0] for row in rows if row[-1]} for name, rows in changes.items()}
    rejected = 0
    for name, rows in merged.items():
        for *cells, deleted in changes.get(name, []):
            if deleted:
                continue
            parents = PARENTS.get(name, [])
            known = all(
                cells[at] in {row[0] for row in merged[parent]} - going.get(parent, set())
                for at, parent in parents
            )
            if not known:
                rejected += 1
                continue
            place = next((i for i, row in enumerate(rows) if row[0] == cells[0]), None)
            if place is not None and (not parents or rows[place][1] == cells[1]):
                rows[place] = tuple(cells)
            else:
                rows[:] = [row for row in rows if row[0] != cells[0]] + [tuple(cells)]
        if name == "styles":  # those of products that go, go with them
            gone = {row[0] for row in rows if row[1] in going.get("products", set())}
            going["styles"] = going.get("styles", set()) | gone
    for name, rows in merged.items():
        rows[:] = [
            row
            for row in rows
            if row[0] not in going.get(name, set())
            and all(row[at] in {r[0] for r in merged[p]} for at, p in PARENTS.get(name, []))
        ]
    return merged, rejected


def assert_serves(database: Database, model: Model, folder: Path) -> None:
    """The rows and their order are the model's, and the digest reckoned from the change is true."""
    with closing(Connection(database.etl)) as connection:
        digest = combine(compute_digests(connection, "catalogue"))
    recorded = "SELECT digest FROM catalogue.published_load JOIN etl.loads USING (number, digest)"
    assert query(database.admin, recorded) == [(digest,)]
    compared = verify(database.etl, write_catalogue(folder, model), Progress())
    assert all(comparison.equal for comparison in compared), compared
