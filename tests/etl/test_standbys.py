"""A load is over when the standbys show it, or says which do not."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from etl import outcome, patience
from etl.connection import Connection
from etl.errors import LoadError
from etl.standbys import await_standbys
from tests.catalogue import load_catalogue, publishing_at_leisure, write_catalogue
from tests.conftest import Database, migrated
from tests.servers import query, standby_of, throwaway
from tests.sessions import session
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Database, Database]]:
    """An empty catalogue of its own on a primary, and the same on its standby, later."""
    with throwaway() as primary, standby_of(primary) as standby:
        standby.settings["recovery_min_apply_delay"] = "300ms"
        standby.restart()
        here, there = migrated(primary), Database(standby, "products")
        # as it is on a fleet
        query(here.admin, "GRANT pg_read_all_stats TO products_owner")
        yield here, there


def number(database: Database) -> int:
    """Return the load that a database shows."""
    with session(database) as cursor:
        cursor.execute("SELECT number FROM catalogue.published_load")
        return cursor.fetchone()[0]


def test_a_load_is_over_when_the_standby_shows_it(
    servers: tuple[Database, Database], tmp_path: Path
) -> None:
    here, there = servers
    folder = write_catalogue(tmp_path / "catalogue", {})
    for _ in range(5):
        loaded = load_catalogue(here.etl, folder, tmp_path)
        assert number(there) == loaded.number
        assert loaded.trouble is None


def test_a_standby_cannot_tell_that_a_load_was_not_published(
    servers: tuple[Database, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "COMING_BACK", 0.2)
    here, there = servers
    loaded = load_catalogue(here.etl, write_catalogue(tmp_path / "catalogue", {}), tmp_path)
    for number_, here_is, there_is in (
        (loaded.number, True, True),
        (loaded.number + 1, False, None),
    ):
        asked = replace(loaded, number=number_)
        assert outcome.was_published(here.etl, asked) is here_is
        assert outcome.was_published(there.etl, asked) is there_is


def test_a_standby_is_not_loaded_into(servers: tuple[Database, Database], tmp_path: Path) -> None:
    _, there = servers
    with pytest.raises(LoadError, match="a standby, which takes no writes: set ETL_DATABASE_URL"):
        load_catalogue(there.etl, write_catalogue(tmp_path / "catalogue", {}), tmp_path)


def test_readers_do_not_wait_for_a_standby_to_confirm_what_is_published(
    servers: tuple[Database, Database],
) -> None:
    here, _ = servers

    def confirmed_by(standby: str) -> None:
        query(here.admin, f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        query(here.admin, "SELECT pg_reload_conf()")

    # which the servers of tests leave out
    query(here.admin, "ALTER ROLE products_etl SET synchronous_commit = on")
    # lest it waits for ever where it does
    given_up = threading.Timer(30, confirmed_by, [""])
    with closing(Connection(here.etl)) as connection, publishing_at_leisure():
        try:
            with connection.transaction():
                connection.run("lock_catalogue")
                connection.run("create_schema")
                confirmed_by("nobody")
                time.sleep(0.5)  # nothing shows when the checkpointer has told all of that
                given_up.start()
            waited = not given_up.is_alive()
        finally:
            given_up.cancel()
            confirmed_by("")
            query(here.admin, "ALTER ROLE products_etl RESET synchronous_commit")
        connection.run("drop_schema", schema="catalogue_next")
        # where the lock is held until then
        assert await_standbys(connection) == []
    assert not waited


def test_a_standby_that_does_not_keep_up_is_named(
    servers: tuple[Database, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = servers
    folder = write_catalogue(tmp_path / "catalogue", {})
    before = number(here)
    monkeypatch.setattr(patience, "PATIENCE", 0.2)
    query(there.admin, "SELECT pg_wal_replay_pause()")
    loaded = load_catalogue(here.etl, folder, tmp_path)
    assert (number(here), number(there)) == (loaded.number, before)
    assert loaded.published
    assert "walreceiver had not replayed it" in loaded.trouble
    query(there.admin, "SELECT pg_wal_replay_resume()")
    wait_for(lambda: number(there) == loaded.number)
