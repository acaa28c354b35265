"""kill -9 at any moment of a long load: the old catalogue is served on, and nothing stays."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.generate import generate
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, At, schemas, served, started
from tests.etl.test_kill import assert_whole, nothing_published, wait_for_the_lock
from tests.servers import query
from tests.system.service import Service, serving
from tests.waiting import wait_for

KILLS = 10
PATHS = ["/products?count=3", "/products/1", "/products/1/styles", "/products/1/related"]
# What tables that come and go leave in PostgreSQL's own: next to nothing of a load's 500 MB.
TOLERANCE = 10 << 20  # bytes


class Begun(At):
    """Looks which tables there are beside those that are served when a load begins to read."""

    def __init__(self, database: Database) -> None:
        super().__init__("begin reading products.csv", self.look)
        self.database = database
        self.found: list[tuple[str, str]] = []

    def look(self) -> None:
        statement = (
            "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace::regnamespace::text ~ '^catalogue_' ORDER BY 1, 2"
        )
        self.found = query(self.database.admin, statement)


def database_size(database: Database) -> int:
    ((size,),) = query(database.admin, "SELECT pg_database_size(current_database())")
    return size


def answers(service: Service) -> list[tuple[int, bytes]]:
    return [(reply.status, reply.body) for reply in map(service.get, PATHS)]


@pytest.mark.slow
def test_ten_loads_killed_at_random_moments(
    clone: Callable[[], Database], folder: Path, tmp_path: Path, reports: Path
) -> None:
    database = clone()
    long = tmp_path / "long"
    generate(long, 200_000, dirty=True)
    duration = load_catalogue(database.etl, long, reports).seconds
    for _ in range(2):  # the second takes the long one, which the first has replaced, off the disk
        load_catalogue(database.etl, folder, reports)
    small = database_size(database)
    moments = random.Random(1)
    largest = small
    with serving(database) as service:
        for kill in range(KILLS):
            before, bodies = served(database), answers(service)
            assert [status for status, _ in bodies] == [200] * len(PATHS)
            after = (kill + moments.random()) / KILLS * duration
            # Lest a load is done before its time, when the machine has got faster since.
            with nothing_published(database):
                with started(database, "load", long, "--report", reports, "--quiet") as process:
                    time.sleep(after)
                    process.kill()
                    _, said = process.communicate()
                    assert process.returncode == -signal.SIGKILL, said
                wait_for_the_lock(database)
                assert answers(service) == bodies
            assert served(database) == before
            assert_whole(database)
            largest = max(largest, database_size(database))

            begun = Begun(database)
            result = load_catalogue(database.etl, folder, reports, progress=begun)
            assert {schema for schema, _ in begun.found} == {"catalogue_next"}
            assert not {table for _, table in begun.found} & set(ROWS)
            assert served(database) == (before[0] + 1, result.digest)
            assert answers(service) == bodies
            assert schemas(database) == ["catalogue", "catalogue_previous"]
            wait_for(lambda: database_size(database) < small + TOLERANCE)
    assert largest > small + 10 * TOLERANCE
