"""What the tests under load have in common: a catalogue of some size, and how a fleet is."""

from collections import Counter
from pathlib import Path

from tests.catalogue import Rows, load_catalogue, write_catalogue
from tests.conftest import Database
from tests.system.fleet import Fleet
from tests.system.load import Load
from tests.waiting import wait_for

PRODUCTS = 2000
# The promise of the time budget: no answer takes longer, whatever is broken.
LONGEST = 2.0
# After what was gone is back, the first success.
RECOVERY = 2.0

ROWS: Rows = {
    "products": [
        (each, f"Product {each}", "Blend in", "Camouflage " * 30, "Jackets", "140")
        for each in range(1, PRODUCTS + 1)
    ],
    "features": [(each, each, "Fabric", "Canvas") for each in range(1, PRODUCTS + 1)],
    "styles": [
        (2 * each + colour, each, f"Colour {colour}", None, "140", not colour)
        for each in range(1, PRODUCTS + 1)
        for colour in range(2)
    ],
    "photos": [
        (each, each, f"https://e.example/{each}", f"https://e.example/{each}-small")
        for each in range(2, 2 * PRODUCTS + 2)
    ],
    "skus": [
        (4 * each + size, each, str(size), size)
        for each in range(2, 2 * PRODUCTS + 2)
        for size in range(4)
    ],
    "related": [(each, each, PRODUCTS + 1 - each) for each in range(1, PRODUCTS + 1)],
}


def fill(database: Database, folder: Path) -> None:
    """Publish the catalogue, as a full load does each time."""
    load_catalogue(database.etl, write_catalogue(folder / "catalogue", ROWS), folder / "report")


def assert_none_failed(fleet: Fleet, run: Load) -> None:
    """Hold that every request was answered with 200 in time; tell what the balancer saw."""
    print(
        f"{len(run.answers)} answers, {len(run.failures)} failures, 99 % in "
        f"{run.percentile(0.99):.3f} s, slowest {run.longest:.3f} s"
    )
    failed = {answer.number for answer in run.failures}
    seen = [
        entry
        for entry in fleet.log()
        if failed and entry["status"] != 200 and "load=" in entry["path"]
    ]
    assert not run.failures, (run.failures[:10], seen[-10:])
    assert run.longest < LONGEST


def shares(fleet: Fleet, since: int) -> Counter[str]:
    """Count by host the answers that the balancer has logged after so many lines."""
    entries = fleet.log()[since:]
    return Counter(
        address.rpartition(":")[0]
        for entry in entries
        for address in entry["upstream"].split(", ")
        if address
    )


def assert_every_host_is_asked(fleet: Fleet) -> None:
    """Hold that none is marked as down: of four uncached requests in a row each host gets one."""
    since = len(fleet.log())
    count = 4 * len(fleet.hosts)
    for number in range(count):
        assert fleet.get(f"/products/1?whole={since}-{number}").status == 200
    wait_for(lambda: sum(shares(fleet, since).values()) >= count)
    assert set(shares(fleet, since)) >= set(fleet.hosts)


def assert_no_worker_was_replaced(fleet: Fleet) -> None:
    """Hold that every host still runs with the processes that it was started with."""
    for log in (fleet.nginx.parent / "hosts").glob("*/gunicorn.log"):
        text = log.read_text()
        assert text.count("Booting worker") == 2, text[-2000:]
