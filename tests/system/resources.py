"""What a fleet takes of its machine: memory, descriptors, connections to the database."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.conftest import Database
from tests.servers import children
from tests.sessions import count_sessions
from tests.system.fleet import Fleet

MEGABYTE = 1 << 20


class Taken(NamedTuple):
    """Memory in bytes, of which what several processes use is counted once; the rest in numbers.

    `balancer` is nginx's memory, which grows with its list of what it keeps, to 16 MB.
    """

    hosts: int
    balancer: int
    descriptors: int
    sessions: int

    def __str__(self) -> str:
        return (
            f"hosts {self.hosts / MEGABYTE:.1f} MB, nginx {self.balancer / MEGABYTE:.1f} MB, "
            f"{self.descriptors} descriptors, {self.sessions} database sessions"
        )


def take_stock(fleet: Fleet, database: Database) -> Taken:
    """Return what nginx and all hosts take at the moment."""
    hosts = [each for host in fleet.hosts for each in family(fleet.process_of(host))]
    balancer = family(int((fleet.nginx / "nginx.pid").read_text()))
    return Taken(
        sum(map(proportional_bytes, hosts)),
        sum(map(proportional_bytes, balancer)),
        sum(map(count_descriptors, (*hosts, *balancer))),
        count_sessions(database),
    )


def family(master: int | None) -> list[int]:
    assert master is not None
    return [master, *children(master)]


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
