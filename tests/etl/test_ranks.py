"""Pages of the list are found by ranks that a load reckons, and an upsert keeps."""

import json
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from products_service.statements import read_statements
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.etl.upserts import run_upsert, write_changes
from tests.servers import query
from tests.sessions import connect

LIST = read_statements()["list_products"]
STEP = 128  # products from one rank to the next


def product(id_: int) -> tuple:
    return (id_, f"Product {id_}", None, None, None, "1")


def pages(database: Database, count: int) -> Iterator[list[int]]:
    """Yield the ids of each page of the list, the last one empty."""
    with closing(connect(database.app)) as connection, connection.cursor() as cursor:
        cursor.execute(LIST.prepare)
        page = 1
        while page is not None:
            cursor.execute(LIST.execute, (page, count))
            _, _, body, previous, following = cursor.fetchone()
            assert previous == (page - 1 or None)
            assert following in (None, page + 1)
            yield [entry["id"] for entry in json.loads(body)]
            page = following
        cursor.execute(LIST.execute, (2**31 - 1, count))
        yield json.loads(cursor.fetchone()[2])


def assert_pages(database: Database, ids: set[int], counts: list[int]) -> list[tuple[int, int]]:
    """The pages together are the whole list, whatever their size. Return the ranks, which are near.

    No page may be further from a rank than twice what lies between two of a load.
    """
    ordered = sorted(ids)
    for count in counts:
        expected = [ordered[start : start + count] for start in range(0, len(ordered), count)]
        assert list(pages(database, count)) == [*(expected or [[]]), []]
    ranks = query(database.app, "SELECT first_id, rank FROM catalogue.product_ranks ORDER BY 1")
    assert ranks[0] == (1, 0)
    assert all(rank == bisect_left(ordered, first_id) for first_id, rank in ranks)
    places = [rank for _, rank in ranks] + [len(ordered)]
    assert all(0 <= end - start <= 2 * STEP for start, end in pairwise(places))
    assert places[1:-1] == sorted(set(places[1:-1]))  # none between which no product is
    return ranks


@pytest.mark.parametrize("size", [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP])
def test_a_load_ranks_its_products(shared_database: Database, tmp_path: Path, size: int) -> None:
    ids = set(random.Random(size).sample(range(1, 2**31), size))
    folder = write_catalogue(tmp_path / "all", {"products": [product(id_) for id_ in ids]})
    load_catalogue(shared_database.etl, folder, tmp_path)
    ranks = assert_pages(shared_database, ids, [1, 100, STEP, 1_000])
    ordered = sorted(ids)
    assert ranks[1:] == [(ordered[rank], rank) for rank in range(STEP, size, STEP)]


# Where the changes are: anywhere, at the front, at the back, in the middle.
SPANS = [(1, 3_000), (1, 6), (2_990, 4_000), (1_200, 1_900)]


@pytest.mark.parametrize("seed", range(4))
def test_upserts_keep_the_ranks(clone: Callable[[], Database], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    database = clone()
    ids = set(chance.sample(range(2, 3_000), 1_000))
    folder = write_catalogue(tmp_path / "all", {"products": [product(id_) for id_ in ids]})
    load_catalogue(database.etl, folder, tmp_path)
    for number in range(6):
        first, end = chance.choice(SPANS)
        changed = chance.sample(range(first, end), chance.randint(1, (end - first) // 2))
        going = {id_ for id_ in changed if chance.random() < 0.5}
        changes = {"products": [(*product(id_), id_ in going) for id_ in changed]}
        run_upsert(database, write_changes(tmp_path / str(number), changes), tmp_path)
        ids = (ids | set(changed)) - going
        assert_pages(database, ids, [chance.randint(20, 60), STEP, 1_000])


def test_all_products_go_and_others_come(database: Database, tmp_path: Path) -> None:
    rows = {"products": [product(id_) for id_ in range(1, 300)]}
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", rows), tmp_path)
    gone = {"products": [(*product(id_), True) for id_ in range(1, 300)]}
    run_upsert(database, write_changes(tmp_path / "gone", gone), tmp_path)
    assert_pages(database, set(), [1])
    come = {"products": [(*product(id_), False) for id_ in range(1_000, 1_300)]}
    run_upsert(database, write_changes(tmp_path / "come", come), tmp_path)
    assert_pages(database, set(range(1_000, 1_300)), [7, 1_000])


def test_ranks_stay_where_no_product_comes_or_goes(database: Database, tmp_path: Path) -> None:
    rows = {"products": [product(id_) for id_ in range(1, 300)]}
    load_catalogue(database.etl, write_catalogue(tmp_path / "all", rows), tmp_path)
    places = "SELECT ctid::text, * FROM catalogue.product_ranks ORDER BY first_id"
    before = query(database.app, places)
    changes = {
        # known ones that change, and one that is to go but is not there
        "products": [(5, "Renamed", *product(5)[2:], False), (*product(999), True)],
        "features": [(1, 5, "Fabric", None, False)],
    }
    run_upsert(database, write_changes(tmp_path / "changes", changes), tmp_path)
    assert query(database.app, places) == before
    assert len(before) == 3
