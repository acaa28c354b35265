"""What is measured: the catalogue that is served, where, and by which server."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.connection import Connection, DatabaseError, describe_server
from benchmarks.draws import Draw
from benchmarks.files import find_files, kept
from benchmarks.processes import find_parent
from benchmarks.steps import step
from products_service.config import load_settings
from products_service.database_urls import database_url, running_database


@dataclass(frozen=True)
class Subject:
    """A catalogue in a database.

    `urls` are those of the service, of loads and of the administrator; `postmaster` is the server's
    first process, None where it is on another machine; `free_connections` is how many it takes
    beside those that it has; `data` describes all for the results.
    """

    urls: dict[str, str]
    draw: Draw
    postmaster: int | None
    free_connections: int
    data: dict[str, Any]

    @property
    def url(self) -> str:
        """Where the service connects."""
        return self.urls["app"]

    @property
    def postgres(self) -> dict[str, list[int]]:
        """The server's processes, as a group of those whose CPU is taken; none if elsewhere."""
        return {} if self.postmaster is None else {"postgres": [self.postmaster]}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead the service's programs here."""
        return {
            "DATABASE_URL": self.urls["app"],
            "ETL_DATABASE_URL": self.urls["etl"],
            "MIGRATIONS_DATABASE_URL": self.urls["admin"],
        }


@contextmanager
def served_catalogue() -> Iterator[Subject]:
    """Yield the catalogue of the settings, warm; an embedded server runs meanwhile.

    Raises BenchmarkError, DatabaseError, EmbeddedError, ConfigurationError.
    """
    settings = load_settings()
    with running_database(settings, "admin"), warm(urls_of(settings)) as subject:
        yield subject


def urls_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return where each role finds the database."""
    return {name: database_url(settings, name) for name in ("app", "etl", "admin")}


@contextmanager
def warm(urls: dict[str, str]) -> Iterator[Subject]:
    """Yield a catalogue, its files read, and kept in the system's cache meanwhile if they are here.

    Raises BenchmarkError, DatabaseError.
    """
    with closing(Connection(urls["admin"])) as connection:
        files = find_files(connection, "catalogue")
    with ExitStack() as stack:
        with step("reading the files of the catalogue"):
            is_kept = stack.enter_context(kept(files))
        yield _examine(urls, is_kept)


def _examine(urls: dict[str, str], files_kept: bool) -> Subject:
    with closing(Connection(urls["admin"])) as connection:
        with step("reading the ids"):
            draw = Draw.of_catalogue(connection)
        ((number, digest),) = connection.run("get_load")
        warmed = files_kept or _read_files(connection)
        relations = [
            {"name": name, "kind": kind, "rows": rows, "bytes": size}
            for name, kind, rows, size in connection.run("measure_relations")
        ]
        data = {
            "products": len(draw.ids),
            "load": number,
            "digest": digest,
            "bytes": sum(relation["bytes"] for relation in relations),
            "relations": relations,
            # what pgbench, which draws between the least and the greatest, finds no product for
            "share_of_missing_ids": round(
                1 - len(draw.ids) / (max(draw.ids) - min(draw.ids) + 1), 4
            ),
            "files_read_first": warmed,
            "files_kept": files_kept,
            "postgresql": describe_server(urls["admin"]),
        }
        free = connection.value("count_free_connections")
        backend = connection.value("get_backend")
        return Subject(urls, draw, find_parent(backend, "postgres"), free, data)


def _read_files(connection: Connection) -> bool:
    """Have the server read them, which we cannot; return whether that could be done."""
    try:
        with step("having the server read the files of the catalogue"):
            connection.run("read_files")
    except DatabaseError:
        return False
    return True
