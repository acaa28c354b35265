"""Who uses the embedded server in these tests: other processes, and a query of our own."""

import subprocess
import sys
from pathlib import Path

from products_service import embedded
from tests.servers import query as query_at
from tests.waiting import HANG

ROOT = Path(__file__).parents[2]
# uses the server, says so, and leaves when its input ends
USER = """
import sys
from pathlib import Path
from products_service import embedded
devdb = Path(sys.argv[1])
with embedded.running(devdb):
    print(embedded.status(devdb).pid, flush=True)
    sys.stdin.read()
"""


class User:
    """Another process that uses the server of a folder."""

    def __init__(self, devdb: Path, python: str = sys.executable, **options) -> None:
        self.process = subprocess.Popen(
            [python, "-c", USER, devdb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **({"cwd": ROOT} | options),
        )

    def server(self) -> int:
        """Return the server's process, once it runs."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return int(line)

    def leave(self) -> None:
        _, said = self.process.communicate(timeout=HANG)
        assert self.process.returncode == 0, said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=HANG)


def query(devdb: Path, sql: str) -> list[tuple]:
    return query_at(embedded.url(devdb, "postgres"), sql)


def copy(devdb: Path, other: Path) -> None:
    subprocess.run(["cp", "-a", devdb, other], check=True)
