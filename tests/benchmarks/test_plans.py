"""The statements' plans at 100,000 products: few blocks, no large table whole, every index used."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.connection import read_sql
from benchmarks.index import EXTRA
from benchmarks.plans import Node, indexes_used, nodes
from etl.connection import read_sql as etl_sql
from etl.files import TABLES
from products_service.statements import Statement, all_prepared, read_statements
from tests.benchmarks.bench import loaded
from tests.conftest import Database
from tests.programs import ROOT
from tests.servers import query
from tests.sessions import session

pytestmark = pytest.mark.slow

# rows; what is smaller may well be read from end to end
LARGE = 10_000
SAMPLE = 300
# products that are asked for at once
TOGETHER = 8

# Blocks of 8 KB that an execution may touch at 100,000 products, the worst of SAMPLE products.
# In the comments: what it was on PostgreSQL 18, custom and generic plans alike.
BOUNDS = {
    "all_for_each": 420,  # 350, for 8 of each
    "check_ready": 1,  # 1
    "get_product": 12,  # 9
    "get_product_for_each": 70,  # 58, for 8
    "get_product_page": 190,  # 155
    "get_related": 12,  # 9
    "get_related_for_each": 65,  # 52, for 8
    "get_styles": 70,  # 57
    "get_styles_for_each": 300,  # 241, for 8
    "list_products": 16,  # 13
    "list_products_after": 10,  # 7
    "list_products_by_category": 60,  # 49
    "list_products_by_category_after": 18,  # 14
    "list_products_by_ids": 20,  # 16
    "search_products": 460,  # 382
}
# What statements that ask for more than a product are run with: at the beginning of the list or
# category, in its middle, at its end; with words that are rare, in every third product, in none.
ASKED: dict[str, list[tuple[Any, ...]]] = {
    "check_ready": [()],
    "list_products": [(1, 5), (10_000, 5), (20_000, 5)],
    "list_products_after": [(0, 5), (50_000, 5), (100_095, 5)],
    "list_products_by_category": [("Jackets", 1, 5), ("Shirts", 2_000, 5), ("None", 1, 5)],
    "list_products_by_category_after": [("Jackets", 0, 5), ("Watches", 99_000, 5)],
    "list_products_by_ids": [("{3,1,50000,70000,99999}",)],
    "search_products": [
        (words, 1, 5)
        for words in ("zephyr velvet sunglasses", "work", "wa", "rain jackets", "xyzzy co", "the")
    ],
}


@pytest.fixture(scope="module")
def large(clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A database that serves 100,000 products."""
    return loaded(clone(), tmp_path_factory.mktemp("large"), 100_000)


@pytest.fixture(scope="module", params=["force_custom_plan", "force_generic_plan"])
def plans(large: Database, request: pytest.FixtureRequest) -> dict[str, list[dict[str, Any]]]:
    """The plans of every statement, run on the large catalogue for a sample of products."""
    with session(large) as cursor:
        cursor.execute(f"SET plan_cache_mode = {request.param}")
        cursor.execute(
            "SELECT id FROM catalogue.products ORDER BY hashint8extended(id, 1) LIMIT %s", (SAMPLE,)
        )
        ids = [id_ for (id_,) in cursor.fetchall()]
        return {
            statement.name: list(explained(cursor, statement, ids))
            for statement in all_prepared(read_statements().values())
        }


def explained(cursor: Any, statement: Statement, ids: list[int]) -> Iterator[dict[str, Any]]:
    cursor.execute(statement.prepare)
    if statement.name.endswith("_for_each"):
        each = len(statement.parameters)
        asked = [(list(some),) * each for some in zip(*[iter(ids)] * TOGETHER, strict=False)]
    else:
        extra = EXTRA.get(statement.name, ())
        asked = ASKED.get(statement.name) or [(id_, *extra) for id_ in ids]
    for values in asked:
        cursor.execute(read_sql("explain_analyze") + statement.execute, values)
        yield cursor.fetchone()[0][0]


def tables_scanned(plan: Node) -> set[str]:
    """Return the tables that a plan reads from end to end."""
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}


def blocks(plan: Node) -> int:
    """Return how many blocks of 8 KB a plan that was run has touched, cached or not."""
    top = plan["Plan"]
    return top["Shared Hit Blocks"] + top["Shared Read Blocks"]


def test_no_statement_scans_a_large_table(
    large: Database, plans: dict[str, list[dict[str, Any]]]
) -> None:
    found = query(
        large.admin,
        "SELECT relname FROM pg_class WHERE relnamespace = 'catalogue'::regnamespace "
        f"AND relkind = 'r' AND reltuples > {LARGE}",
    )
    big = {name for (name,) in found}
    assert len(big) == 6
    for name, runs in plans.items():
        for plan in runs:
            assert not tables_scanned(plan) & big, name


def test_statements_touch_few_blocks(plans: dict[str, list[dict[str, Any]]]) -> None:
    worst = {name: max(map(blocks, runs)) for name, runs in plans.items()}
    assert set(worst) == set(BOUNDS)
    assert {name: most for name, most in worst.items() if most > BOUNDS[name]} == {}


@pytest.mark.parametrize(
    ("name", "first", "last"), [("list_products", 1, 20_000), ("list_products_after", 0, 100_095)]
)
def test_the_last_page_costs_what_the_first_does(
    large: Database, name: str, first: int, last: int
) -> None:
    statement = read_statements()[name]
    with session(large) as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(statement.prepare)
        cursor.execute(statement.execute, (first, 5))  # what a session reads once is read by now
        touched = []
        for place in (first, last):
            cursor.execute(statement.execute, (place, 5))
            assert len(json.loads(cursor.fetchone()[2])) == 5
            cursor.execute(read_sql("explain_analyze") + statement.execute, (place, 5))
            touched.append(blocks(cursor.fetchone()[0][0]))
    assert touched[1] <= 1.2 * touched[0]


def test_every_index_is_used(large: Database, plans: dict[str, list[dict[str, Any]]]) -> None:
    text = (ROOT / "etl/sql/indexes.sql").read_text("utf-8")
    built = set(re.findall(r"^CREATE INDEX (\w+)", text, re.MULTILINE))
    assert built
    used = set().union(*(indexes_used(plan) for runs in plans.values() for plan in runs))
    used |= indexes_used(explain_removal(large))
    assert built | {"products_pkey"} <= used


def explain_removal(database: Database) -> dict[str, Any]:
    """Return the plan by which an upsert removes the related pairs of ten products that go."""
    with session(database) as cursor:
        cursor.execute("BEGIN")
        for table in TABLES:
            cursor.execute(etl_sql("create_changes").format(table=table.name))
        cursor.execute(
            "INSERT INTO pg_temp.products (id, name, default_price, deleted) "
            "SELECT id, name, default_price, true FROM catalogue.products LIMIT 10"
        )
        cursor.execute(etl_sql("collect_going_products"))
        removal = etl_sql("remove_rows").format(
            table="related", column="related_product_id", going="going_products"
        )
        cursor.execute(read_sql("explain") + removal)
        return cursor.fetchone()[0][0]
