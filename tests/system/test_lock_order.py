"""Every statement locks the table of the published load before any other of the catalogue.

This is what docs/decisions/publishing.md rests on: whoever holds that one table exclusively
knows that no statement is between two tables of the catalogue that is being replaced.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from etl.connection import Connection
from products_service.statements import Statement, all_prepared, read_statements
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database
from tests.sessions import catalogue_locked, connect, count_waiting, session
from tests.waiting import HANG, wait_for

STATEMENTS = {each.name: each for each in all_prepared(read_statements().values())}
CATEGORY = "Jackets"
# A value for each type that a parameter may have.
VALUES = {"integer": 1, "boolean": True, "text": CATEGORY, "integer[]": [1]}
EXECUTIONS = 3
# The first is what the service's sessions have; the last is what PostgreSQL may do by itself.
PLANS = ["force_generic_plan", "force_custom_plan"]


def rows_of(tag: str, related: int) -> dict[str, list[tuple]]:
    """Return a catalogue whose every body tells that it is this one's."""
    return {
        "products": [(id_, tag, tag, tag, CATEGORY, "1") for id_ in (1, 2)],
        "features": [(1, 1, tag, tag)],
        "styles": [(id_, id_, tag, None, "1", True) for id_ in (1, 2)],
        "photos": [(id_, id_, tag, tag) for id_ in (1, 2)],
        "skus": [(1, 1, tag, 1)],
        "related": [(1, 1, related)],
    }


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two catalogues, "from 1" and "from 2"."""
    return [
        write_catalogue(tmp_path_factory.mktemp("catalogue"), rows_of(f"from {digit}", digit))
        for digit in (1, 2)
    ]


@pytest.fixture
def loaded(clone: Callable[[], Database], folders: list[Path], reports: Path) -> Database:
    """A database with the first catalogue."""
    database = clone()
    load_catalogue(database.etl, folders[0], reports)
    return database


class Session:
    """A session like the service's, on which a statement can be left waiting."""

    def __init__(self, database: Database, statement: Statement, plans: str) -> None:
        self._database = database
        self._statement = statement
        self._values = tuple(VALUES[type_] for _, type_ in statement.parameters)
        self._connection = connect(database.app)
        self._connection.autocommit = True
        self.run(f"SET plan_cache_mode = {plans}; SET statement_timeout = '{HANG}s'")

    def run(self, sql: str, values: tuple | None = None) -> tuple | None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchone() if cursor.description else None

    def prepare(self) -> None:
        self.run(self._statement.prepare)

    def execute(self) -> tuple | None:
        return self.run(self._statement.execute, self._values)

    def prepare_and_execute(self) -> tuple | None:
        self.prepare()
        return self.execute()

    @contextmanager
    def waiting(self, task: Callable[[], Any]) -> Iterator[Future]:
        """Run `task` in a thread of its own until it waits for a lock, then the block."""
        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(task)
            wait_for(lambda: future.done() or self._is_waiting())
            assert not future.done(), "it did not wait for the lock"
            yield future

    def _is_waiting(self) -> bool:
        return any(not granted for *_, granted in self.locks())

    def locks(self) -> list[tuple[str, str, bool]]:
        """Return the catalogues' tables and indexes it has locked or waits for.

        Each as schema, name and whether it was granted.
        """
        with session(self._database) as cursor:
            cursor.execute(
                "SELECT nspname, relname, granted FROM pg_locks "
                "JOIN pg_class ON pg_class.oid = relation "
                "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
                "WHERE pid = %s AND locktype = 'relation' AND nspname LIKE 'catalogue%%' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                (self._connection.info.backend_pid,),
            )
            return cursor.fetchall()

    def close(self) -> None:
        self._connection.close()


FIRST = [("catalogue", "published_load", False)]


def assert_waits_for_the_load_alone(
    database: Database, reader: Session, task: Callable[[], Any]
) -> None:
    """Hold that `task` waits for the table of the published load and has no other yet."""
    with ExitStack() as stack:
        with catalogue_locked(database):
            waiting = stack.enter_context(reader.waiting(task))
            assert reader.locks() == FIRST
        waiting.result(timeout=HANG)


def unchanged(database: Database, folders: list[Path], reports: Path) -> None:
    """Leave the plans as they are."""


def analysed(database: Database, folders: list[Path], reports: Path) -> None:
    """Make every plan out of date, as autovacuum does."""
    with session(database) as cursor:
        cursor.execute("ANALYZE")


def swapped(database: Database, folders: list[Path], reports: Path) -> None:
    """Publish another catalogue."""
    load_catalogue(database.etl, folders[1], reports)


def swapped_twice(database: Database, folders: list[Path], reports: Path) -> None:
    """Publish another, and one more, with which the tables that were known are gone."""
    swapped(database, folders, reports)
    swapped(database, folders, reports)


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("plans", PLANS)
def test_prepare_locks_the_load_first(database: Database, name: str, plans: str) -> None:
    with closing(Session(database, STATEMENTS[name], plans)) as reader:
        assert_waits_for_the_load_alone(database, reader, reader.prepare)


@pytest.mark.parametrize("change", [unchanged, analysed, swapped, swapped_twice])
@pytest.mark.parametrize("executions", [0, EXECUTIONS])
def test_execute_locks_the_load_first(
    loaded: Database,
    folders: list[Path],
    reports: Path,
    executions: int,
    change: Callable[[Database, list[Path], Path], None],
) -> None:
    with ExitStack() as stack:
        readers = [
            stack.enter_context(closing(Session(loaded, statement, plans)))
            for statement in STATEMENTS.values()
            for plans in PLANS
        ]
        for reader in readers:
            reader.prepare()
            for _ in range(executions):
                reader.execute()
        change(loaded, folders, reports)
        for reader in readers:
            assert_waits_for_the_load_alone(loaded, reader, reader.execute)


def test_plans_are_of_both_kinds(loaded: Database) -> None:
    """What the tests above call a generic plan is one."""
    with closing(Session(loaded, STATEMENTS["get_styles"], "force_generic_plan")) as reader:
        reader.prepare()
        reader.execute()
        counts = "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
        assert reader.run(counts) == (1, 0)
        reader.run("SET plan_cache_mode = force_custom_plan")
        reader.execute()
        assert reader.run(counts) == (1, 1)


def test_readers_that_wait_for_a_swap_get_the_next_catalogue_whole(
    loaded: Database, folders: list[Path], reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Connection.run
    with ExitStack() as sessions, ExitStack() as tasks:
        expected, answers = [], []
        waiters = []
        for name, statement in STATEMENTS.items():
            for plans in PLANS:
                cached, fresh = (
                    sessions.enter_context(closing(Session(loaded, statement, plans)))
                    for _ in range(2)
                )
                cached.prepare()
                for _ in range(EXECUTIONS):
                    before = cached.execute()
                waiters += [(cached, cached.execute), (fresh, fresh.prepare_and_execute)]
                expected += [(name, before)] * 2

        def run_with_readers_waiting(self: Connection, name: str, *args: Any, **kwargs: Any):
            """Start the readers when the load has the lock, and swap when all of them wait."""
            if name == "swap_catalogues":
                # or a busy machine ends the load, which stands still until the last one waits
                with self._connection.cursor() as cursor:
                    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                for reader, task in waiters:
                    answers.append(tasks.enter_context(reader.waiting(task)))
                    assert reader.locks() == FIRST
            return run(self, name, *args, **kwargs)

        monkeypatch.setattr(Connection, "run", run_with_readers_waiting)
        second = load_catalogue(loaded.etl, folders[1], reports)
        assert len(answers) == len(waiters)
        for (name, (_, _, before, *_)), answer in zip(expected, answers, strict=True):
            number, digest, body, *_ = answer.result(timeout=HANG)
            assert (number, digest) == (second.number, second.digest)
            assert body == next_body(name, before, second.number)


def test_publishing_waits_for_statements_that_began_before_the_catalogue_was_complete(
    loaded: Database, folders: list[Path], reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a statement would look at the next catalogue's tables and not see all their rows."""
    value, run = Connection.value, Connection.run
    with (
        ThreadPoolExecutor(1) as thread,
        closing(connect(f"{loaded.app}&application_name=products_service")) as old,
        session(loaded) as holder,
    ):
        old.autocommit = True
        holder.execute("SELECT pg_advisory_lock(1)")
        statement = thread.submit(old.cursor().execute, "SELECT pg_advisory_lock(1)")
        wait_for(lambda: count_waiting(loaded) == 1)
        counts = []

        def value_with_release(self: Connection, name: str, *args: Any, **kwargs: Any) -> Any:
            found = value(self, name, *args, **kwargs)
            if name == "count_older_statements":
                counts.append(found)
                holder.execute("SELECT pg_advisory_unlock_all()")
            return found

        def run_after_the_statement(self: Connection, name: str, *args: Any, **kwargs: Any) -> Any:
            if name == "lock_catalogue":
                assert statement.done()
            return run(self, name, *args, **kwargs)

        monkeypatch.setattr(Connection, "value", value_with_release)
        monkeypatch.setattr(Connection, "run", run_after_the_statement)
        try:
            load_catalogue(loaded.etl, folders[1], reports)
        finally:
            holder.execute("SELECT pg_advisory_unlock_all()")
        assert counts[0] == 1
        assert counts[-1] == 0


def next_body(name: str, body: str, number: int) -> str:
    """Return the second catalogue's body, from the first's."""
    if name == "check_ready":
        return body.replace(str(number - 1), str(number))
    if name.startswith("get_related"):
        assert json.loads(body) == [1]
        return body.replace("1", "2")
    assert "from 1" in body
    if name == "get_product_page":
        assert '"related":[{"id":1,' in body
        body = body.replace('"related":[{"id":1,', '"related":[{"id":2,')
    return body.replace("from 1", "from 2")
