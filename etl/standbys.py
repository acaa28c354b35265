"""Waiting for standbys to have replayed what was written: they answer the service's reads."""

import time

from etl import patience
from etl.connection import Connection


def await_standbys(connection: Connection) -> list[str]:
    """Wait until every standby has all that is written by now; return those that take too long."""
    written = connection.value("get_position")
    deadline = time.monotonic() + patience.PATIENCE
    while behind := connection.run("list_standbys_behind", {"written": written}):
        if time.monotonic() > deadline:
            return [name for (name,) in behind]
        time.sleep(0.02)
    return []
