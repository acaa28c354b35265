"""The floor under any load: `psql \\copy` of clean files, then the same keys and indexes."""

import time
from dataclasses import dataclass

from benchmarks.connection import Connection, read_sql
from benchmarks.errors import BenchmarkError
from benchmarks.workshop import Workshop

# In the order of loading.
TABLES = ("products", "features", "styles", "photos", "skus", "related")
STEPS = ("primary keys", "foreign keys", "indexes", "analyse")


@dataclass(frozen=True)
class Floor:
    """Loads the clean files into tables like those that are served, one thing after the other."""

    workshop: Workshop
    connection: Connection
    columns: dict[str, str]  # by table, as SQL has them
    scripts: dict[str, str]  # by step

    def run(self) -> dict[str, float]:
        """Load everything once and return the seconds of each step. Raises BenchmarkError."""
        self.connection.run("begin_floor")
        seconds = {}
        started = time.perf_counter()
        for table in TABLES:
            self.workshop.psql(self._fill_in("copy_file", table))
        seconds["copy"] = time.perf_counter() - started
        for step in STEPS:
            started = time.perf_counter()
            self.workshop.psql(self.scripts[step])
            seconds[step] = time.perf_counter() - started
        return seconds

    def check(self, loaded: dict[str, int]) -> None:
        """Raise BenchmarkError unless each table has as many rows as a load has put there."""
        for table in TABLES:
            rows = self.connection.value("count_rows", table=table)
            if rows != loaded[table]:
                raise BenchmarkError(f"{table}: the floor has {rows} rows, a load {loaded[table]}")

    def drop(self) -> None:
        """Give the room back."""
        self.connection.run("drop_floor")

    def export(self) -> None:
        """Write the clean files of the catalogue that is served. Raises BenchmarkError."""
        for table in TABLES:
            self.workshop.psql(self._fill_in("export_file", table))

    def _fill_in(self, name: str, table: str) -> str:
        file = str(self.workshop.folder / f"clean_{table}.csv").replace("'", "''")
        return read_sql(name).format(table=table, columns=self.columns[table], file=file)


def lay_floor(workshop: Workshop, connection: Connection) -> Floor:
    """Return the floor to the catalogue that is served, with the clean files written."""
    scripts = dict.fromkeys(STEPS, "")
    for step, statement, _ in connection.run("list_floor", {"tables": list(TABLES)}):
        scripts[step] += statement + "\n"
    columns = {table: connection.value("list_columns", {"table": table}) for table in TABLES}
    floor = Floor(workshop, connection, columns, scripts)
    floor.export()
    return floor
