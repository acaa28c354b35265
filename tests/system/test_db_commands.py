"""`flask db` as a person types it: the server's life, its URL, psql, and migrations by dbmate."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

from products_service import embedded
from tests.programs import free_port
from tests.servers import checkout, throwaway
from tests.waiting import HANG, wait_for

ROOT = Path(__file__).parents[2]
TABLE = """-- migrate:up
CREATE TABLE first_table AS
SELECT
  current_setting('lock_timeout') AS lock_timeout,
  current_setting('statement_timeout') AS statement_timeout;
-- migrate:down
DROP TABLE first_table;
"""
# takes longer than the lock timeout: who waits for a turn must not run into that
SLOW = """-- migrate:up
SELECT pg_sleep(2.5);
CREATE TABLE second_table (id int);
-- migrate:down
DROP TABLE second_table;
"""
# what libpq allows between : and @, if percent-encoded where it must be
PASSWORD = "p w:#?[é]&=+%/@'\"\\"
ENCODED = "p%20w:#?[é]&=+%25%2F%40'\"\\"
NOWHERE = "postgresql://who:hush@127.0.0.1:1/products"
NUMBERS = itertools.count()
SERVERS = ("DATABASE_URL", "ETL_DATABASE_URL", "MIGRATIONS_DATABASE_URL", "DEVDB_DIR")


@pytest.fixture
def folder():
    with checkout() as folder:
        (folder / "migrations").mkdir()
        (folder / "migrations" / "0001_first.sql").write_text(TABLE)
        yield folder


@pytest.fixture(scope="module")
def server():
    """A server that is not ours, with TCP, whose superuser has a password that needs care."""
    with throwaway(listen_addresses="127.0.0.1", port=str(free_port())) as server:
        with closing(psycopg2.connect(server.url())) as connection:
            connection.autocommit = True
            connection.cursor().execute("ALTER ROLE postgres PASSWORD %s", [PASSWORD])
        hba = server.data / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all all all scram-sha-256\n")
        server.restart()
        yield server


@pytest.fixture
def elsewhere(server):
    """The URL of a new database there."""
    name = f"products_{next(NUMBERS)}"
    with closing(psycopg2.connect(server.url())) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return f"postgresql://postgres:{ENCODED}@127.0.0.1:{server.port}/{name}"


def start(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen:
    ours = {name: value for name, value in os.environ.items() if name not in SERVERS}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "db", *arguments],
        cwd=folder,
        env=ours | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def flask_db(folder: Path, *arguments: str, fails: int = 0, **settings: str) -> str:
    """Return what the command prints, its complaints included."""
    process = start(folder, *arguments, **settings)
    try:
        printed, said = process.communicate(timeout=HANG)
    finally:
        process.kill()
    assert process.returncode == fails, printed + said
    assert "Traceback" not in said
    return printed + said


def test_the_life_of_a_server(folder):
    assert "stopped; there are no data in" in flask_db(folder, "status", fails=1)
    assert "server.log" in flask_db(folder, "start")
    assert "answers" in flask_db(folder, "status")
    flask_db(folder, "start")
    address = flask_db(folder, "url", "--role", "admin").strip()
    with closing(psycopg2.connect(address)) as connection:
        assert connection.info.user == "postgres"
        assert connection.info.dbname == "products"
    assert flask_db(folder, "shell", "-Atc", "SELECT 6 * 7") == "42\n"
    said = flask_db(folder, "shell", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0", fails=1)
    assert "division by zero" in said
    assert "stopped" in flask_db(folder, "stop")
    assert "not running" in flask_db(folder, "stop")
    assert "stopped; its data are in" in flask_db(folder, "status", fails=1)
    assert flask_db(folder, "url", "--role", "admin").strip() == address
    assert "postgresql://products_app@/" in flask_db(folder, "url")
    assert "postgresql://products_etl@/" in flask_db(folder, "url", "--role", "etl")
    flask_db(folder, "start")
    assert "stopped" in flask_db(folder, "stop", "--remove")
    assert not (folder / ".devdb").exists()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 1), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_an_interrupted_start_leaves_no_server(folder, number, status):
    devdb = folder / ".devdb"
    with embedded.running(devdb):
        data = embedded.status(devdb).place.data
    # the server begins with reading its settings: it waits there until it is given any
    settings = data / "postgresql.auto.conf"
    settings.unlink()
    os.mkfifo(settings)
    settings.chmod(0o644)
    process = start(folder, "start")

    def give_nothing() -> int | None:
        with suppress(OSError):  # until it reads
            return os.open(settings, os.O_WRONLY | os.O_NONBLOCK)
        return None

    try:
        given = wait_for(give_nothing)
        process.send_signal(number)
        os.close(given)
        printed, said = process.communicate(timeout=HANG)
    finally:
        process.kill()
    assert process.returncode == status, printed + said
    assert embedded.status(devdb).pid is None


def test_only_the_servers_own_files_are_removed(folder):
    here = folder / "shared"
    others = [
        here / "catalogue.csv",
        here / "cluster" / "notes",
        here / "18" / "main" / "PG_VERSION",
    ]
    for file in others:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    here.chmod(0o755)  # the umask may have been stricter
    (here / "18").chmod(0o700)
    before = sorted(here.rglob("*"))
    # where no server was ever started nothing is
    assert "not running" in flask_db(folder, "stop", "--remove", DEVDB_DIR="shared")
    assert sorted(here.rglob("*")) == before
    try:
        flask_db(folder, "start", DEVDB_DIR="shared")
        said = flask_db(folder, "stop", "--remove", DEVDB_DIR="shared")
        assert "what else is in shared stays" in said
        assert sorted(here.rglob("*")) == before
    finally:
        embedded.stop(here)


def test_a_database_that_is_not_there_is_not_made(folder, elsewhere):
    nowhere = f"{elsewhere.rpartition('/')[0]}/prodcuts"
    said = flask_db(folder, "upgrade", fails=1, DATABASE_URL=nowhere)
    assert '"prodcuts" does not exist' in said


def test_up_down_and_up_again(folder, elsewhere):
    # a file that lies about is not read, nor what was meant for another dbmate
    (folder / ".env").write_text("DBMATE_MIGRATIONS_DIR=/nowhere\n")
    here = {"DATABASE_URL": elsewhere, "DBMATE_DRIVER": "mysql"}
    assert "[ ] 0001_first.sql" in flask_db(folder, "migrations", **here)
    assert "Applied: 0001_first.sql" in flask_db(folder, "upgrade", **here)
    assert "Applied" not in flask_db(folder, "upgrade", **here)
    assert "[X] 0001_first.sql" in flask_db(folder, "migrations", **here)
    assert "2s|1min\n" in flask_db(folder, "shell", "-Atc", "TABLE first_table", **here)
    assert "0001\n" in flask_db(folder, "shell", "-Atc", "TABLE public.schema_migrations", **here)
    asked = flask_db(folder, "downgrade", fails=1, **here)  # nobody answers
    assert "migration made in postgres://" in asked
    assert "data included" in asked
    assert "[X] 0001_first.sql" in flask_db(folder, "migrations", **here)
    assert "Rolled back: 0001_first.sql" in flask_db(folder, "downgrade", "--yes", **here)
    assert "dbmate down failed" in flask_db(folder, "downgrade", "--yes", fails=1, **here)
    assert "Applied: 0001_first.sql" in flask_db(folder, "upgrade", **here)
    assert sorted(path.name for path in folder.iterdir()) == [".env", "migrations"]


def test_three_upgrades_at_once_take_turns(folder, elsewhere):
    (folder / "migrations" / "0002_slow.sql").write_text(SLOW)
    running = [start(folder, "upgrade", DATABASE_URL=elsewhere) for _ in range(3)]
    command_lines = b""
    deadline = time.monotonic() + HANG
    try:
        while any(process.poll() is None for process in running):
            assert time.monotonic() < deadline
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    command_lines += path.read_bytes()
            time.sleep(0.1)
    finally:
        for process in running:
            process.kill()
        said = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert "".join(out for out, _ in said).count("Applied: 0002_slow.sql") == 1
    # where every user of the machine can read it
    assert b"dbmate" in command_lines
    assert b"p%20w" not in command_lines
    assert PASSWORD.encode() not in command_lines


def test_a_migration_that_cannot_have_its_lock_gives_up(folder, elsewhere):
    flask_db(folder, "upgrade", DATABASE_URL=elsewhere)
    (folder / "migrations" / "0002_locked.sql").write_text(
        "-- migrate:up\nDROP TABLE first_table;\n-- migrate:down\n"
    )
    with closing(psycopg2.connect(elsewhere)) as reader:
        reader.cursor().execute("TABLE first_table")
        assert "lock timeout" in flask_db(folder, "upgrade", fails=1, DATABASE_URL=elsewhere)
    assert "[ ] 0002_locked.sql" in flask_db(folder, "migrations", DATABASE_URL=elsewhere)


def test_an_older_migration_that_comes_late_is_refused(folder, elsewhere):
    flask_db(folder, "upgrade", DATABASE_URL=elsewhere)
    (folder / "migrations" / "0000_late.sql").write_text("-- migrate:up\n-- migrate:down\n")
    assert "out of order" in flask_db(folder, "upgrade", fails=1, DATABASE_URL=elsewhere)


@pytest.mark.parametrize("name", SERVERS[:3])
def test_a_server_that_is_not_ours(folder, elsewhere, name):
    for command in ("start", "stop"):
        said = flask_db(folder, command, fails=1, **{name: elsewhere})
        assert f"{name} is set: that server is not ours" in said
    assert flask_db(folder, "url", "--role", "admin", **{name: elsewhere}) == f"{elsewhere}\n"
    assert not (folder / ".devdb").exists()


def test_urls_that_the_migrations_driver_reads_differently(folder, elsewhere):
    tuned = f"{elsewhere}?keepalives_idle=30&tcp_user_timeout=800&connect_timeout=5"
    flask_db(folder, "migrations", DATABASE_URL=tuned)
    several = elsewhere.replace("127.0.0.1:", "127.0.0.1:1,127.0.0.1:")
    several += "?target_session_attrs=read-write"
    flask_db(folder, "migrations", DATABASE_URL=several)
    assert "answers" in flask_db(folder, "status", DATABASE_URL=several)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PGCLIENTENCODING", "LATIN1"), ("PGDATESTYLE", "ISO, DMY")),
        *(("PGGSSENCMODE", "disable"), ("PGCHANNELBINDING", "prefer"), ("PGSSLCOMPRESSION", "0")),
    ],
)
def test_what_the_migrations_driver_refuses_in_the_environment(folder, elsewhere, name, value):
    flask_db(folder, "upgrade", DATABASE_URL=elsewhere, **{name: value})


@pytest.mark.parametrize(
    ("command", "settings", "status", "words"),
    [
        ("upgrade", {"DATABASE_URL": NOWHERE}, 1, "refused"),
        ("status", {"DATABASE_URL": NOWHERE}, 1, "does not answer"),
        ("upgrade", {"DATABASE_URL": "mysql://who:hush@host/x"}, 2, "postgresql://"),
        ("status", {"PORT": "eighty"}, 2, "PORT=eighty"),
        ("start", {"DEVDB_DIR": "/dev/null"}, 1, "/dev/null/lock: Not a directory"),
        ("status", {"DEVDB_DIR": "/dev/null"}, 1, "/dev/null: Not a directory"),
        ("upgrade --directory nowhere", {"DATABASE_URL": NOWHERE}, 1, "no folder nowhere"),
    ],
)
def test_what_goes_wrong_is_said_plainly(tmp_path, command, settings, status, words):
    (tmp_path / "migrations").mkdir()
    said = flask_db(tmp_path, *command.split(), fails=status, **settings)
    assert words in said
    assert "hush" not in said


def test_migrations_that_the_role_may_not_see_are_not_called_pending(folder, elsewhere):
    flask_db(folder, "upgrade", DATABASE_URL=elsewhere)
    assert "[X] 0001_first.sql" in flask_db(folder, "migrations", DATABASE_URL=elsewhere)
    with closing(psycopg2.connect(elsewhere)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE ROLE reader LOGIN PASSWORD 'reader'")
        connection.commit()
    reader = elsewhere.replace(f"postgres:{ENCODED}", "reader:reader")
    said = flask_db(folder, "migrations", fails=1, DATABASE_URL=reader)
    assert "ETL_DATABASE_URL or MIGRATIONS_DATABASE_URL is set; this role may not" in said
    assert "Pending" not in said


def test_the_projects_own_migrations_go_up_down_and_up(folder, elsewhere):
    own = ROOT / "migrations"
    files = sorted(own.glob("*.sql"))
    assert files
    here = {"DATABASE_URL": elsewhere}
    flask_db(folder, "upgrade", "--directory", str(own), **here)
    for _ in files:
        flask_db(folder, "downgrade", "--yes", "--directory", str(own), **here)
    flask_db(folder, "upgrade", "--directory", str(own), **here)
    assert "Pending: 0\n" in flask_db(folder, "migrations", "--directory", str(own), **here)


@pytest.mark.parametrize(("command", "fails"), [(["upgrade"], 1), (["shell", "-c", "SELECT 1"], 2)])
def test_a_server_that_says_nothing(folder, command, fails):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://who:hush@127.0.0.1:{silent.getsockname()[1]}/products"
        said = flask_db(folder, *command, fails=fails, DATABASE_URL=url, PGCONNECT_TIMEOUT="2")
    assert "timeout" in said
    assert "hush" not in said
