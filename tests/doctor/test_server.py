"""What `flask doctor` says of the server: its version, room, clock, and standbys."""

import re
import time
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest

from tests.catalogue import load_catalogue
from tests.conftest import Database, migrated
from tests.doctor.examined import Said, change, doctor
from tests.servers import Server, checkout, standby_of, throwaway
from tests.sessions import session
from tests.waiting import wait_for


def test_an_embedded_server_that_cannot_be() -> None:
    said = doctor(None, DEVDB_DIR="/dev/null/devdb")
    assert said["database"].label == "FAIL"
    assert said["database"].found.startswith("cannot use /dev/null/devdb: Not a directory")
    assert said["migrations"] == Said("skip", "the database cannot be reached", "")


@pytest.mark.slow
def test_a_frozen_database_is_given_up(well: Database, server: Server) -> None:
    server.freeze()
    try:
        started = time.monotonic()
        check = doctor(None, DATABASE_URL=well.app)["database"]
        assert time.monotonic() - started < 15
    finally:
        server.thaw()
    assert check.label == "FAIL"
    assert "timeout expired" in check.found


def test_a_server_that_does_not_know_the_service(well: Database, server: Server) -> None:
    said = doctor(well, DATABASE_URL=server.url("nobody_we_know", well.name))
    assert 'role "nobody_we_know" does not exist' in said["database"].found
    assert "flask db upgrade makes the service's role" in said["database"].hint
    assert said["migrations"].label == "ok"


def test_a_service_with_another_database_than_its_loads(well: Database) -> None:
    with checkout() as folder:
        others = {"ETL_DATABASE_URL": well.etl, "MIGRATIONS_DATABASE_URL": well.admin}
        said = doctor(None, DEVDB_DIR=str(folder / ".devdb"), **others)
    assert said["database"].label == "FAIL"
    assert said["database"].hint.startswith("MIGRATIONS_DATABASE_URL is set and DATABASE_URL is")


def pretend(database: Database, role: str, function: str) -> None:
    """Have a role's sessions find a function of ours in the place of one of PostgreSQL's."""
    change(
        database,
        "CREATE SCHEMA pretended",
        "GRANT USAGE ON SCHEMA pretended TO PUBLIC",
        f"CREATE FUNCTION pretended.{function}",
        f"ALTER ROLE {role} IN DATABASE {{name}} SET search_path = pretended, pg_catalog",
    )


def test_a_server_that_is_too_old(loaded: Database) -> None:
    pretend(
        loaded,
        "products_app",
        "current_setting(text) RETURNS text LANGUAGE sql AS $$SELECT '140011'$$",
    )
    check = doctor(loaded)["database"]
    assert check.label == "FAIL"
    assert check.hint == "use PostgreSQL 15 or later"


def test_a_server_that_is_slow_to_let_in(well: Database) -> None:
    check = doctor(well, DATABASE_URL=f"{well.app}&options=-c%20post_auth_delay%3D1")["database"]
    assert check.label == "warn"
    assert "the service gives up after 600 ms" in check.hint


def test_more_hosts_than_the_server_has_connections_for(well: Database) -> None:
    with session(well) as cursor:
        cursor.execute("SHOW max_connections")
        total = int(cursor.fetchone()[0])
    check = doctor(well, "--hosts", "100", GUNICORN_WORKERS="3", DB_POOL_SIZE="2")["connections"]
    assert check.label == "FAIL"
    assert check.found.startswith("100 x 3 x 2 (hosts x GUNICORN_WORKERS x DB_POOL_SIZE) + 6 for ")
    assert f"= 614; there are {total - 3} (max_connections {total} - 3 reserved)" in check.found
    assert "raise max_connections to 617 or more" in check.hint


@pytest.mark.parametrize("of", ["ROLE products_app", "DATABASE {name}"])
def test_more_hosts_than_the_role_or_the_database_may_connect_from(
    loaded: Database, of: str
) -> None:
    change(loaded, f"ALTER {of} CONNECTION LIMIT 15")
    try:
        assert "products_app" in doctor(loaded)["database"].found
        check = doctor(loaded)["connections"]
        assert check.label == "FAIL"
        assert check.found.endswith(", of which the service's role or database may have 15")
        assert "CONNECTION LIMIT of 16 or more" in check.hint
    finally:
        change(loaded, f"ALTER {of} CONNECTION LIMIT -1")


def test_a_clock_that_is_wrong(loaded: Database) -> None:
    pretend(
        loaded,
        "products_app",
        "clock_timestamp() RETURNS timestamptz LANGUAGE sql "
        "AS $$SELECT pg_catalog.clock_timestamp() - interval '1 hour'$$",
    )
    check = doctor(loaded)["clock"]
    assert check.label == "warn"
    assert re.fullmatch(r"the database's is 3(599|600)\.\d{3} s behind", check.found)
    assert "NTP" in check.hint


def test_a_disk_without_room_for_the_next_load(loaded: Database) -> None:
    pretend(
        loaded,
        loaded.server.superuser,
        "pg_total_relation_size(oid) RETURNS bigint LANGUAGE sql AS $$SELECT 1000000000000000$$",
    )
    check = doctor(loaded)["disk"]
    assert check.label == "warn"
    assert "make room" in check.hint


@pytest.mark.slow
def test_a_standby(folder: Path, reports: Path) -> None:
    with throwaway() as primary, standby_of(primary) as standby:
        here = migrated(primary)
        load_catalogue(here.etl, folder, reports)
        there = Database(standby, "products")
        reading = {"DATABASE_URL": there.app}
        wait_for(lambda: serves_a_load(there))
        said = doctor(here)
        of_primary = r"walreceiver: streaming, 0\.0 MB and \d\.\d s behind"
        assert re.fullmatch(of_primary, said["replication"].found)
        # the primary knows all standbys, also where the service reads from one
        said = doctor(here, **reading)
        assert re.fullmatch(of_primary, said["replication"].found)
        of_standby = "this standby: replaying, 0.0 MB and 0.0 s behind"
        assert doctor(there)["replication"].found == of_standby
        assert said["catalogue"].found.startswith("load 1")
        # A load into a standby is nothing that could be.
        assert doctor(there)["etl role"].found == "the server is a standby, which only reads"

        for settings in ({}, reading):
            check = doctor(here, **settings, DB_STATEMENT_TIMEOUT_MS="501")["replication"]
            assert check.label == "warn"
            assert check.hint.startswith("at most 500: ")

        change(there, "SELECT pg_wal_replay_pause()")
        change(
            here, "CREATE TABLE late AS SELECT md5(n::text) FROM generate_series(1, 400000) AS n"
        )
        wait_for(lambda: has_received_all(here))
        for settings in ({}, reading):
            check = doctor(here, **settings)["replication"]
            assert check.label == "warn"
            assert "pg_get_wal_replay_pause_state" in check.hint


def serves_a_load(standby: Database) -> bool:
    """Whether a standby has replayed all that it takes to serve the first load."""
    with suppress(psycopg2.Error), session(standby) as cursor:
        cursor.execute("SELECT number FROM catalogue.published_load")
        return cursor.fetchone() == (1,)
    return False


def has_received_all(primary: Database) -> bool:
    """Whether a primary's only standby has all that was written so far."""
    with session(primary) as cursor:
        cursor.execute("SELECT flush_lsn >= pg_current_wal_lsn() FROM pg_stat_replication")
        return cursor.fetchone() == (True,)
