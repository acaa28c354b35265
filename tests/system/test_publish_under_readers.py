"""Loads published under readers that hammer the service: each answer is of one catalogue."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import cycle
from pathlib import Path

from tests.catalogue import Rows, write_catalogue
from tests.conftest import PATIENT, Database
from tests.programs import ROOT, environment
from tests.system.service import Client, serving
from tests.waiting import HANG, wait_for

# As many as one worker has connections: the kernel may give one worker all the readers.
READERS = 4
PRODUCTS = 40
PATHS = [
    "/products?count=1000",
    *(f"/products/{id_}{part}" for id_ in (1, 20) for part in ("", "/styles", "/related")),
]


def rows_of(tag: str, digit: int) -> Rows:
    """Return a catalogue of which every row of every table tells that it is this one's.

    Texts hold the tag, prices and quantities the digit, and everything is related to product
    `digit` alone. Ids are the same in each, as are the numbers of rows.
    """
    ids = range(1, PRODUCTS + 1)
    triples = [(3 * id_ + copy, id_) for id_ in ids for copy in range(3)]
    price = f"{digit}.{digit}"
    return {
        "products": [(id_, tag, tag, tag, tag, price) for id_ in ids],
        "features": [(id_, product, tag, tag) for id_, product in triples],
        "styles": [(id_, product, tag, price, price, True) for id_, product in triples],
        "photos": [(id_, id_, tag, tag) for id_, _ in triples],
        "skus": [(id_, id_, tag, digit) for id_, _ in triples],
        "related": [(id_, product, digit) for id_, product in triples],
    }


CATALOGUES = {"from A": rows_of("from A", 1), "from B": rows_of("from B", 2)}
# What a body of one catalogue never holds: whatever of the other can stand in it.
FOREIGN = {"from A": ("from B", '"2.2"', '"quantity":2'), "from B": ("from A", '"1.1"')}


def load(database: Database, folder: Path, report: Path) -> None:
    """Load by the command, in a process of its own, as an operator does."""
    command = [sys.executable, "-m", "flask", "etl", "load", folder, "--report", report, "--quiet"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Reader:
    """Asks for one path after the other on one connection, up to the first wrong answer."""

    def __init__(self, port: int, bodies: dict[str, dict[bytes, str]]) -> None:
        self._port = port
        self._bodies = bodies
        # The catalogues that answered, one entry for each change.
        self.seen: list[str] = []
        self.wrong: tuple[str, int, bytes] | None = None

    def hammer(self, done: threading.Event) -> None:
        with closing(Client(self._port)) as client:
            for path in cycle(PATHS):
                reply = client.get(path)
                tag = self._bodies[path].get(reply.body)
                if reply.status != 200 or tag is None:
                    self.wrong = (path, reply.status, reply.body)
                elif self.seen[-1:] != [tag]:
                    self.seen.append(tag)
                if done.is_set() or self.wrong:
                    return


def test_readers_see_one_catalogue_at_a_time(clone: Callable[[], Database], tmp_path: Path) -> None:
    database = clone()
    folders = {tag: write_catalogue(tmp_path / tag, rows) for tag, rows in CATALOGUES.items()}
    with serving(database, **PATIENT) as service:
        # What each path answers from each catalogue while nothing else goes on.
        bodies: dict[str, dict[bytes, str]] = {path: {} for path in PATHS}
        for tag in CATALOGUES:
            load(database, folders[tag], tmp_path)
            for path in PATHS:
                body = service.get(path).body
                json.loads(body)
                assert not any(text in body.decode() for text in FOREIGN[tag])
                bodies[path][body] = tag
        assert all(len(found) == len(CATALOGUES) for found in bodies.values())

        readers = [Reader(service.port, bodies) for _ in range(READERS)]
        done = threading.Event()
        loads = ["from A", "from B", "from A", "from B", "from A"]
        with ThreadPoolExecutor(READERS) as threads:
            reading = [threads.submit(reader.hammer, done) for reader in readers]

            def all_have_seen(tag: str) -> bool:
                return all(
                    future.done() or reader.seen[-1:] == [tag]
                    for future, reader in zip(reading, readers, strict=True)
                )

            try:
                wait_for(partial(all_have_seen, "from B"))
                for tag in loads:
                    load(database, folders[tag], tmp_path)
                    wait_for(partial(all_have_seen, tag))
            finally:
                done.set()
            for future in reading:
                future.result(timeout=HANG)

        assert [reader.wrong for reader in readers] == [None] * READERS
        # Each change in its turn and none back: nobody reads an older catalogue again.
        assert [reader.seen for reader in readers] == [["from B", *loads]] * READERS
