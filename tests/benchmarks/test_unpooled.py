"""What `flask bench pool` compares the pool with has none."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.bench import loaded
from tests.conftest import Database
from tests.programs import ROOT, environment

ASK = """
import psycopg2
from benchmarks import unpooled

connect, opened = psycopg2.connect, []

def noting(*arguments, **settings):
    opened.append(connect(*arguments, **settings))
    return opened[-1]

psycopg2.connect = noting
client = unpooled.app.test_client()
statuses = [client.get("/products/1/styles").status_code for _ in range(3)]
print(statuses, [connection.closed for connection in opened])
"""


def test_each_request_opens_a_connection(clone: Callable[[], Database], tmp_path: Path) -> None:
    database = loaded(clone(), tmp_path, products=10)
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=environment(database),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[200, 200, 200] [1, 1, 1]\n", 0), done.stderr
