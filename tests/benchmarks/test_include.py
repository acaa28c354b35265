"""`flask bench include` measures a product page in one request and in those that it replaces."""

from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.bench import PRODUCTS, loaded, result, run, unhurried
from tests.conftest import Database
from tests.servers import query

# How many products any is related to, at least and at most.
RELATED = """
SELECT min(count)::integer, max(count)::integer
FROM (
  SELECT count(DISTINCT related_product_id)
  FROM catalogue.products LEFT JOIN catalogue.related ON current_product_id = products.id
  GROUP BY products.id
) AS each
"""


def test_a_page_in_one_request_and_in_several(
    clone: Callable[[], Database], tmp_path: Path
) -> None:
    database = loaded(clone(), tmp_path)
    output = tmp_path / "results"
    short = ("--worker-class", "greenlet", "--rounds", "1", "--seconds", "1")
    done = run(database, "include", *short, "--output", output, **unhurried(tmp_path))
    found = result(output, "include")
    assert found["data"]["products"] == PRODUCTS
    assert found["a_page"]["together"]["requests"] == 1
    # Three, and two for each related product; on a slow machine few pages are asked for.
    ((fewest, most),) = query(database.admin, RELATED)
    assert 3 + 2 * fewest <= found["a_page"]["separately"]["requests"] <= 3 + 2 * most
    assert found["a_page"]["separately"]["bytes"] > found["a_page"]["together"]["bytes"] > 1_000
    for way, figures in found["contestants"].items():
        assert way in done.stdout
        assert 0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["p99"]
        assert all(figures["cpu_us"][each] > 10 for each in ("app", "postgres", "generator"))
    assert found["ratios"]["separately"]["together"]["per_second"] > 0
