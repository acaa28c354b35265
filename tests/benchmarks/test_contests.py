"""`flask bench styles|page|peers|pool` measure contestants in turn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.contestants import PEERS, forms_of
from benchmarks.subject import warm
from tests.benchmarks.bench import PRODUCTS, loaded, result, run
from tests.conftest import Database
from tests.servers import query

pytestmark = pytest.mark.slow

SHORT = ("--rounds", "2", "--seconds", "1")


@pytest.fixture(scope="module")
def small(clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Database:
    return loaded(clone(), tmp_path_factory.mktemp("small"))


def assert_figures(figures: dict[str, Any], serves: bool = True) -> None:
    assert len(figures["turns"]) == 2
    assert figures["per_second"] > 0
    assert figures["cpu_us"]["postgres"] > 0
    assert figures["cpu_us"]["generator"] > 0
    if serves:
        latency = figures["latency_ms"]
        assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
        assert figures["cpu_us"]["app"] > 10


def test_peers_in_both_mixes(small: Database, tmp_path: Path) -> None:
    done = run(small, "peers", *SHORT, "--output", tmp_path)
    found = result(tmp_path, "peers")
    assert found["data"]["products"] == PRODUCTS
    assert found["data"]["files_read_first"] is True
    assert found["data"]["files_kept"] is True
    assert found["data"]["relations"][0]["bytes"] > 0
    assert list(found["mixes"]) == ["styles", "page"]
    for mix in found["mixes"].values():
        assert list(mix["contestants"]) == list(found["contestants"])
        for name, figures in mix["contestants"].items():
            assert_figures(figures, serves=not name.startswith("pgbench"))
            assert name in done.stdout
        assert set(mix["ratios"]) == {"express", "fastify", "pgbench-prepared"}
        assert mix["ratios"]["express"]["greenlet-1"]["per_second"] > 0
        assert mix["at_best"]["express"] in forms_of("express", PEERS)
        assert set(mix["peers_hold"]) == {"express", "fastify"}
        sizes = [each["bytes"] for each in mix["contestants"].values() if each["bytes"]]
        # the same bodies and headers, but for what each server adds of its own
        assert max(sizes) < 1.1 * min(sizes)
    prepared, unprepared = (
        found["mixes"]["styles"]["contestants"][f"pgbench-{name}"]["cpu_us"]["postgres"]
        for name in ("prepared", "unprepared")
    )
    # planning costs several times as much as running
    assert unprepared > 1.5 * prepared


@pytest.mark.parametrize("name", ["styles", "page"])
def test_chosen_contestants_in_one_mix(small: Database, tmp_path: Path, name: str) -> None:
    chosen = ("--only", "greenlet", "--only", "pgbench-prepared", "--only", "greenlet")
    run(small, name, *SHORT, *chosen, "--output", tmp_path)
    found = result(tmp_path, name)
    assert list(found["mixes"]) == [name]
    assert list(found["contestants"]) == ["greenlet", "pgbench-prepared"]
    assert list(found["mixes"][name]["ratios"]) == ["pgbench-prepared"]


def test_a_connection_a_request_costs(small: Database, tmp_path: Path) -> None:
    done = run(small, "pool", "--worker-class", "greenlet", *SHORT, "--output", tmp_path)
    mix = result(tmp_path, "pool")["mixes"]["styles"]
    assert mix["ratios"]["greenlet-unpooled"]["greenlet"]["per_second"] > 1
    assert mix["ratios"]["pgbench-reconnecting"]["pgbench-prepared"]["per_second"] > 5
    cpu = {name: each["cpu_us"]["postgres"] for name, each in mix["contestants"].items()}
    # PostgreSQL starts a process for each
    assert cpu["greenlet-unpooled"] > 3 * cpu["greenlet"]
    assert "x the requests/s of greenlet-unpooled" in done.stdout


def test_says_what_is_not_installed(small: Database, tmp_path: Path) -> None:
    done = run(small, "styles", "--output", tmp_path, status=1, PATH=str(tmp_path))
    assert "wrk (apt-get install wrk)" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["styles", "quick", "index"])
def test_says_that_nothing_is_migrated(
    clone: Callable[[], Database], tmp_path: Path, name: str
) -> None:
    database = clone()
    query(database.admin, "DROP SCHEMA catalogue CASCADE")
    done = run(database, name, "--output", tmp_path, status=1)
    assert done.stderr.splitlines()[-1].startswith("Error: the database is not migrated: run")


def test_subject_names_its_database(small: Database) -> None:
    with warm({"app": small.app, "etl": small.etl, "admin": small.admin}) as subject:
        assert subject.environment == small.environment
        assert subject.postmaster
        assert sorted(subject.draw.ids)[0] == 1
