"""`flask bench index` measures a copy and leaves no trace."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.catalogue import SCHEMA
from benchmarks.connection import read_sql
from benchmarks.index import NOT_TIMED, chosen_statements
from benchmarks.plans import indexes_used
from products_service.statements import read_statements
from tests.benchmarks.bench import HANG, PRODUCTS, command, loaded, result, run
from tests.conftest import Database
from tests.servers import query
from tests.sessions import session


@pytest.fixture(scope="module")
def small(clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Database:
    return loaded(clone(), tmp_path_factory.mktemp("small"))


def traces(database: Database) -> list[str]:
    """Return what the benchmark may have left: its schema and what stands in it."""
    found = query(
        database.admin,
        f"SELECT nspname FROM pg_namespace WHERE nspname = '{SCHEMA}' "
        "UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'",
    )
    return [name for (name,) in found]


def served(database: Database) -> list[tuple[Any, ...]]:
    """Return the relations of the catalogue and their files."""
    return query(
        database.admin,
        """
        SELECT oid, relname, relfilenode
        FROM pg_class
        WHERE relnamespace = 'catalogue'::regnamespace
        ORDER BY relname
        """,
    ) + query(database.admin, "SELECT number, digest FROM catalogue.published_load")


@contextmanager
def half_way(database: Database, output: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a run that measures its copy and would go on for long."""
    arguments = ("index", "--rounds", "100", "--products-ids-sample", "300", "--output", output)
    with subprocess.Popen(**command(database, *arguments)) as process:
        try:
            with session(database) as cursor:
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
    done = run(small, "index", "--rounds", "2", "--products-ids-sample", "5", "--output", output)
    assert traces(small) == []
    assert served(small) == before

    found = result(output, "index")
    assert found["command"] == "flask bench index --products-ids-sample 5 --rounds 2"
    assert found["postgresql"]["server_version"]
    assert found["catalogue"]["tables"]["products"]["rows"] == PRODUCTS
    names = set(found["catalogue"]["indexes"])
    assert {"products_pkey", "skus_by_style"} < names
    assert set(found["statements"]) == set(read_statements()) - {"check_ready", *NOT_TIMED}

    styles = found["statements"]["get_styles"]
    left_out = {
        f"without {name}"
        for name, index in found["catalogue"]["indexes"].items()
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
    assert found["statements"]["list_products"]["all"]["cold"]["executions"] == 2
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
    run(small, "index", "--rounds", "1", "--products-ids-sample", "1", "--output", tmp_path)
    assert traces(small) == []


def test_one_at_a_time(small: Database, tmp_path: Path) -> None:
    with session(small) as cursor:
        cursor.execute(read_sql("lock_benchmark"))
        cursor.execute(read_sql("create_schema"))
        done = run(small, "index", "--output", tmp_path, status=1)
        assert traces(small) == [SCHEMA]
        cursor.execute(read_sql("drop_schema"))
    assert "another `flask bench index` runs" in done.stderr


def test_says_that_there_is_nothing_to_measure(database: Database, tmp_path: Path) -> None:
    done = run(database, "index", "--output", tmp_path, status=1)
    assert "the catalogue is empty" in done.stderr
    assert traces(database) == []


def test_statements_differ_from_their_files_in_the_schema_alone() -> None:
    files = read_statements()
    for statement in chosen_statements():
        assert "catalogue." not in statement.sql
        assert statement.sql.replace(f"{SCHEMA}.", "catalogue.") == files[statement.name].sql
