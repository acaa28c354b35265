"""`flask bench index` measures a copy and leaves no trace; and the indexes do what they are for."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from benchmarks.catalogue import SCHEMA
from benchmarks.connection import read_sql
from benchmarks.index import EXTRA, LEFT_OUT, chosen_statements
from benchmarks.plans import blocks, indexes_used, tables_scanned
from etl.connection import read_sql as etl_sql
from etl.generate import generate
from products_service.statements import Statement, all_prepared, read_statements
from tests.catalogue import load_catalogue
from tests.conftest import Database

ROOT = Path(__file__).parents[2]
# seconds; a limit on what hangs, not a promise
HANG = 120
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


def load_generated(database: Database, folder: Path, products: int) -> Database:
    generate(folder / "csv", products)
    load_catalogue(database.etl, folder / "csv", folder)
    return database


@pytest.fixture(scope="module")
def small(clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A database that serves 300 products."""
    return load_generated(clone(), tmp_path_factory.mktemp("small"), 300)


@pytest.fixture(scope="module")
def large(clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A database that serves 100,000 products."""
    return load_generated(clone(), tmp_path_factory.mktemp("large"), 100_000)


@contextmanager
def connected(database: Database) -> Iterator[Any]:
    with closing(psycopg2.connect(database.admin)) as connection:
        connection.autocommit = True
        yield connection.cursor()


def query(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with connected(database) as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def traces(database: Database) -> list[str]:
    """Return what the benchmark may have left: its schema and what stands in it."""
    found = query(
        database,
        f"SELECT nspname FROM pg_namespace WHERE nspname = '{SCHEMA}' "
        "UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'",
    )
    return [name for (name,) in found]


def served(database: Database) -> list[tuple[Any, ...]]:
    """Return the relations of the catalogue, their files, and what was ever written to them."""
    return query(
        database,
        """
        SELECT pg_class.oid, pg_class.relname, relfilenode, n_tup_ins, n_tup_upd, n_tup_del
        FROM pg_class
        LEFT JOIN pg_stat_user_tables ON relid = pg_class.oid
        WHERE relnamespace = 'catalogue'::regnamespace
        ORDER BY pg_class.relname
        """,
    ) + query(database, "SELECT number, digest FROM catalogue.published_load")


def command(database: Database, *arguments: str | Path) -> dict[str, Any]:
    """Return what starts `flask bench index ...` on a database, as keywords for subprocess."""
    return {
        "args": [sys.executable, "-m", "flask", "bench", "index", *map(os.fspath, arguments)],
        "env": os.environ | database.environment,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def bench_index(database: Database, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `flask bench index ...` to its end. A traceback is never an answer."""
    done = subprocess.run(**command(database, *arguments), timeout=HANG, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    return done


@contextmanager
def half_way(database: Database, output: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a run that measures its copy and would go on for long."""
    arguments = ["--rounds", "100", "--products-ids-sample", "300", "--output", output]
    with subprocess.Popen(**command(database, *arguments)) as process:
        try:
            with connected(database) as cursor:
                deadline = time.monotonic() + HANG
                while cursor.rowcount < 1:
                    assert process.poll() is None, process.communicate()
                    assert time.monotonic() < deadline
                    cursor.execute(
                        "SELECT FROM pg_stat_activity WHERE application_name = 'flask bench' "
                        "AND query ~ '^EXECUTE get_styles'"
                    )
            yield process
        finally:
            process.kill()


def test_measures_a_copy_and_leaves_no_trace(small: Database, tmp_path: Path) -> None:
    before = served(small)
    output = tmp_path / "results"
    done = bench_index(small, "--rounds", "2", "--products-ids-sample", "5", "--output", output)
    assert done.returncode == 0, done.stderr
    assert traces(small) == []
    assert served(small) == before

    assert (output / "index.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    result = json.loads((output / "index.json").read_text("utf-8"))
    assert result["command"] == "flask bench index --products-ids-sample 5 --rounds 2"
    assert result["machine"]["cores"] >= 1
    assert result["postgresql"]["server_version"]
    assert result["catalogue"]["tables"]["products"]["rows"] == 300
    names = set(result["catalogue"]["indexes"])
    assert {"products_pkey", "skus_by_style"} < names
    assert set(result["statements"]) == set(read_statements()) - {"check_ready", *LEFT_OUT}

    styles = result["statements"]["get_styles"]
    left_out = {
        f"without {name}"
        for name, index in result["catalogue"]["indexes"].items()
        if index["table"] not in ("features", "related", "product_ranks")
    }
    assert set(styles) == {"all", "none", "none, no read-ahead"} | left_out
    assert styles["all"]["times_slower"] == {"cold": 1, "warm": 1}
    for figures in styles.values():
        for temperature in ("cold", "warm"):
            assert figures[temperature]["executions"] == 10
            assert 0 < figures[temperature]["median_ms"] <= figures[temperature]["p95_ms"]
            assert len(figures[temperature]["round_medians_ms"]) == 2
            assert figures["plans"][temperature]["Execution Time"] > 0
    assert not any(indexes_used(plan) for plan in styles["none"]["plans"].values())
    # The first page is cold once a round.
    assert result["statements"]["list_products"]["all"]["cold"]["executions"] == 2
    assert re.search(r"^get_styles +warm ms", done.stdout, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cleans_up_when_it_is_told_to_end(
    small: Database, tmp_path: Path, number: signal.Signals
) -> None:
    with half_way(small, tmp_path) as process:
        assert traces(small)
        process.send_signal(number)
        _, errors = process.communicate(timeout=HANG)
    assert process.returncode not in (0, -number)
    assert "Traceback" not in errors
    assert traces(small) == []


@pytest.mark.slow
def test_the_next_run_cleans_up_after_one_that_was_killed(small: Database, tmp_path: Path) -> None:
    with half_way(small, tmp_path) as process:
        process.kill()
    assert traces(small)
    done = bench_index(small, "--rounds", "1", "--products-ids-sample", "1", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    assert traces(small) == []


def test_one_at_a_time(small: Database, tmp_path: Path) -> None:
    with connected(small) as cursor:
        cursor.execute(read_sql("lock_benchmark"))
        cursor.execute(read_sql("create_schema"))
        done = bench_index(small, "--output", tmp_path)
        assert traces(small) == [SCHEMA]
        cursor.execute(read_sql("drop_schema"))
    assert done.returncode == 1
    assert "another `flask bench index` runs" in done.stderr


def test_says_that_there_is_nothing_to_measure(database: Database, tmp_path: Path) -> None:
    done = bench_index(database, "--output", tmp_path)
    assert done.returncode == 1
    assert "the catalogue is empty" in done.stderr
    assert traces(database) == []


def test_statements_differ_from_their_files_in_the_schema_alone() -> None:
    files = read_statements()
    for statement in chosen_statements():
        assert "catalogue." not in statement.sql
        assert statement.sql.replace(f"{SCHEMA}.", "catalogue.") == files[statement.name].sql


@pytest.fixture(scope="module", params=["force_custom_plan", "force_generic_plan"])
def plans(large: Database, request: pytest.FixtureRequest) -> dict[str, list[dict[str, Any]]]:
    """The plans of every statement, run on the large catalogue for a sample of products."""
    with connected(large) as cursor:
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


@pytest.mark.slow
def test_no_statement_scans_a_large_table(
    large: Database, plans: dict[str, list[dict[str, Any]]]
) -> None:
    found = query(
        large,
        "SELECT relname FROM pg_class WHERE relnamespace = 'catalogue'::regnamespace "
        f"AND relkind = 'r' AND reltuples > {LARGE}",
    )
    big = {name for (name,) in found}
    assert len(big) == 6
    for name, runs in plans.items():
        for plan in runs:
            assert not tables_scanned(plan) & big, name


@pytest.mark.slow
def test_statements_touch_few_blocks(plans: dict[str, list[dict[str, Any]]]) -> None:
    worst = {name: max(map(blocks, runs)) for name, runs in plans.items()}
    assert set(worst) == set(BOUNDS)
    assert {name: most for name, most in worst.items() if most > BOUNDS[name]} == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "first", "last"), [("list_products", 1, 20_000), ("list_products_after", 0, 100_095)]
)
def test_the_last_page_costs_what_the_first_does(
    large: Database, name: str, first: int, last: int
) -> None:
    statement = read_statements()[name]
    with connected(large) as cursor:
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


@pytest.mark.slow
def test_every_index_is_used(large: Database, plans: dict[str, list[dict[str, Any]]]) -> None:
    text = (ROOT / "etl/sql/indexes.sql").read_text("utf-8")
    built = set(re.findall(r"^CREATE INDEX (\w+)", text, re.MULTILINE))
    assert built
    used = set().union(*(indexes_used(plan) for runs in plans.values() for plan in runs))
    used |= indexes_used(explain_removal(large))
    assert built | {"products_pkey"} <= used


def explain_removal(database: Database) -> dict[str, Any]:
    """Return the plan by which an upsert removes the related pairs of ten products that go."""
    with connected(database) as cursor:
        cursor.execute("BEGIN")
        cursor.execute(etl_sql("create_changes"))
        cursor.execute(
            "INSERT INTO catalogue_changes.products (id, name, default_price, deleted) "
            "SELECT id, name, default_price, true FROM catalogue.products LIMIT 10"
        )
        cursor.execute(etl_sql("collect_going_products"))
        cursor.execute(read_sql("explain") + etl_sql("remove_related"))
        return cursor.fetchone()[0][0]
