"""What a fleet takes of its machine: memory, descriptors, connections to the database."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.conftest import Database
from tests.servers import children
from tests.system.fleet import Fleet
from tests.system.service import count_sessions

MEGABYTE = 1 << 20


class Taken(NamedTuple):
    """In all: bytes of memory (each process's share of what several use), descriptors, sessions."""

    memory: int
    descriptors: int
    sessions: int

    def __str__(self) -> str:
        return (
            f"{self.memory / MEGABYTE:.1f} MB, {self.descriptors} descriptors, "
            f"{self.sessions} database sessions"
        )


def take_stock(fleet: Fleet, database: Database) -> Taken:
    """Return what nginx and all hosts take at the moment."""
    masters = [fleet.process_of(host) for host in fleet.hosts]
    masters.append(int((fleet.nginx / "nginx.pid").read_text()))
    processes = [each for master in masters for each in (master, *children(master))]
    return Taken(
        sum(map(proportional_bytes, processes)),
        sum(map(count_descriptors, processes)),
        count_sessions(database),
    )


def proportional_bytes(process: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def count_descriptors(process: int) -> int:
    with suppress(FileNotFoundError):
        return len(os.listdir(f"/proc/{process}/fd"))
    return 0
