"""Programs of the checkout that tests run: where it is, with which environment, on which port."""

import os
import socket
from pathlib import Path

from tests.conftest import Database

ROOT = Path(__file__).parents[1]


def environment(database: Database | None, **settings: str) -> dict[str, str]:
    """Return ours, which has no settings, with the database's and the given ones.

    But TEST_WORKER_CLASS, if it is set, has every service run on that GUNICORN_WORKER_CLASS.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    worker_class = {"GUNICORN_WORKER_CLASS": os.environ.get("TEST_WORKER_CLASS", "")}
    return ours | worker_class | (database.environment if database else {}) | settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
