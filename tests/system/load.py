"""A steady load of k6's on a cluster while something happens to it; and how each request fared."""

import csv
import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from products_service.leash import leashed
from tests.waiting import HANG, wait_for

SCRIPT = Path(__file__).with_name("load.js")
RATE = 100  # requests a second
# How long it goes on after what happened: longer than an answer may take, so that one which never
# came is known from one which is on its way.
TAIL = 2.5
STEP = 5.0  # seconds of each rate that is tried to find out how much the fleet can answer
# Metrics of k6's whose sum is a request's time, from asking for a connection to the last byte.
PARTS = ("http_req_blocked", "http_req_connecting", "http_req_duration")


class Answer(NamedTuple):
    """What became of a request, in seconds since the epoch; status 0 where no answer came.

    `error` is k6's code for it: https://grafana.com/docs/k6/latest/javascript-api/error-codes/
    """

    scenario: str
    number: int
    ended: float
    seconds: float
    status: int
    error: str

    @property
    def began(self) -> float:
        return self.ended - self.seconds


class Load:
    """A load that runs, and when it has ended what came of it."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.malformed = 0  # errors that are no problem JSON, or 429 or 503 without Retry-After

    def select(
        self, scenario: str = "uncached", *, since: float = 0, until: float = float("inf")
    ) -> list[Answer]:
        """Return the answers to what was asked between two moments."""
        return [
            answer
            for answer in self.answers
            if answer.scenario == scenario and since <= answer.began < until
        ]

    def statuses(self, scenario: str = "uncached", **times: float) -> Counter[int]:
        """Count the statuses of what was asked between two moments."""
        return Counter(answer.status for answer in self.select(scenario, **times))

    @property
    def failures(self) -> list[Answer]:
        """Everything that was not answered with 200."""
        return [answer for answer in self.answers if answer.status != 200]

    @property
    def longest(self) -> float:
        """Seconds that the slowest answer took."""
        return max(answer.seconds for answer in self.answers)

    def goodput(self, began: float, ended: float) -> float:
        """Return how many 200s came a second between two moments."""
        good = [answer for answer in self.answers if answer.status == 200]
        return sum(began <= answer.ended < ended for answer in good) / (ended - began)

    def percentile(self, share: float, **times: float) -> float:
        """Return the seconds within which such a share of the 200s came."""
        seconds = sorted(each.seconds for each in self.select(**times) if each.status == 200)
        return seconds[min(len(seconds) - 1, round(share * len(seconds)))]

    def first_success(self, moment: float) -> float:
        """Return how many seconds after a moment an uncached answer came that was asked for then.

        Of what was asked a second before as well: who waits for a database gets its first answer.
        """
        succeeded = [
            answer.ended
            for answer in self.select(since=moment - 1)
            if answer.status == 200 and answer.ended >= moment
        ]
        assert succeeded, "nothing succeeded after it"
        return min(succeeded) - moment


@contextmanager
def load(
    port: int,
    products: int,
    *,
    rate: int = RATE,
    path: str = "",
    users: int = 400,
    tail: float = TAIL,
) -> Iterator[Load]:
    """Ask a port for what no cache has while the block runs, and 20 times a second for `path`.

    Starts when answers come, ends `tail` seconds after the block. `users` bounds how many requests
    are under way at a time.
    """
    given = {
        "URL": f"http://127.0.0.1:{port}",
        "RATE": rate,
        "PRODUCTS": products,
        "USERS": users,
        "PATH": path,
        "TIMEOUT": "10s",
    }
    options = [part for name, value in given.items() for part in ("-e", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results.csv")
        said = Path(folder, "said")
        argv = [find_k6(), "run", "--quiet", "--no-usage-report", "--no-summary", "--address", ""]
        with said.open("wb") as stream:
            process = subprocess.Popen(
                leashed(
                    [*argv, "--log-output", "none", "--out", f"csv={results}", *options, SCRIPT],
                    signal.SIGKILL,
                ),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=os.environ
                | {"K6_CSV_TIME_FORMAT": "unix_micro", "K6_CSV_SAVE_INTERVAL": "100ms"},
            )
        found = Load()
        try:
            wait_for(lambda: has_begun(process, results, said))
            yield found
            time.sleep(tail)
            stopped = time.time()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(HANG)
        assert process.returncode == 105, said.read_text()
        read_results(found, results, stopped - min(tail, TAIL) + 0.5)


def find_capacity(port: int, products: int) -> float:
    """Return how many requests a second are answered with 200 at most, as more and more come."""
    best, rate = 0.0, 100
    while True:
        with load(port, products, rate=rate, users=2000, tail=STEP) as run:
            began = time.time()
        found = run.goodput(began, began + STEP)
        best = max(best, found)
        if found < 0.95 * rate:
            return best
        rate = round(1.4 * rate)


def find_k6() -> str:
    found = shutil.which("k6", path=sysconfig.get_path("scripts")) or shutil.which("k6")
    assert found, "k6 is not installed: `make test` installs it"
    return found


def has_begun(process: subprocess.Popen, results: Path, said: Path) -> bool:
    assert process.poll() is None, said.read_text()
    return results.exists() and results.read_text().count("http_req_duration") > RATE // 4


def read_results(found: Load, results: Path, decided: float) -> None:
    """Take in what k6 wrote; what was asked before `decided` and has no answer never gets one."""
    seconds: Counter[tuple[str, str]] = Counter()
    rows = {}
    with results.open(newline="") as file:
        for row in csv.DictReader(file):
            key = row["scenario"], row["name"]
            if row["metric_name"] in PARTS:
                seconds[key] += float(row["metric_value"]) / 1000
            if row["metric_name"] == "http_req_duration":
                rows[key] = row
            elif row["metric_name"] == "malformed":
                found.malformed += int(float(row["metric_value"]))
    found.answers = sorted(
        (
            Answer(
                scenario,
                int(number),
                int(row["timestamp"]) / 1e6,
                seconds[scenario, number],
                int(row["status"]),
                row["error_code"],
            )
            for (scenario, number), row in rows.items()
        ),
        key=began,
    )
    found.answers += list(unanswered(found, decided))


def began(answer: Answer) -> float:
    return answer.began


def unanswered(found: Load, decided: float) -> Iterator[Answer]:
    """Yield what has no answer, though something was asked after it that long ago."""
    for scenario in {answer.scenario for answer in found.answers}:
        asked = [answer.number for answer in found.select(scenario, until=decided)]
        for number in set(range(max(asked))) - {each.number for each in found.select(scenario)}:
            yield Answer(scenario, number, decided, TAIL, 0, "none")
