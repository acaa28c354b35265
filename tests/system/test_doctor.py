"""`flask doctor`: all is well on a loaded database, and what is broken is named with what to do."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import psycopg2
import pytest
from click.testing import CliRunner
from psycopg2.extensions import get_wait_callback, set_wait_callback

from etl.indexes import read_indexes
from products_service import embedded
from products_service.commands.doctor import doctor as command
from products_service.commands.migrate import migrate
from products_service.doctor import CHECKS
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import MIGRATIONS, Database, janitor
from tests.servers import Server, checkout, standby_of, throwaway
from tests.system.service import HANG, ROOT, environment, session, wait_for

NAMES = ["configuration", *CHECKS]
NOWHERE = "postgresql://who:hush@127.0.0.1:1/products"
ROWS = {
    "products": [(1, "Onesie", "Blend in", "Camouflage", "Jackets", "140")],
    "features": [(1, 1, "Fabric", "Canvas")],
    "styles": [(1, 1, "Forest", None, "140", True)],
    "photos": [(1, 1, "https://e.example/1", "https://e.example/1t")],
    "skus": [(1, 1, "XS", 8), (2, 1, "S", 9)],
}
LINE = re.compile(r"(?P<label>ok  |warn|FAIL|skip)  (?P<name>[a-z ]+): (?P<found>.+)")
HINT = "      hint: "


class Said(NamedTuple):
    """What was printed of a check."""

    label: str
    found: str
    hint: str


def read(printed: str) -> dict[str, Said]:
    """Return what was printed of each check: a line, and a hint below for what is not ok."""
    said: dict[str, Said] = {}
    for line in printed.splitlines():
        if line.startswith(HINT):
            name, check = said.popitem()
            assert check.label != "ok"
            assert not check.hint
            said[name] = check._replace(hint=line.removeprefix(HINT))
        else:
            match = LINE.fullmatch(line)
            assert match, line
            said[match["name"]] = Said(match["label"].strip(), match["found"], "")
    assert list(said) == NAMES
    for check in said.values():
        assert bool(check.hint) == (check.label in ("warn", "FAIL"))
    return said


def doctor(database: Database | None, *options: str | Path, **settings: str) -> dict[str, Said]:
    """Run the command in this process and return what it says; the exit status must fit."""
    env = environment(database, **settings)
    hidden: dict[str, str | None] = {name: None for name in os.environ if name not in env}
    done = CliRunner().invoke(command, list(map(str, options)), env=hidden | env)
    assert isinstance(done.exception, SystemExit | None), done.exception
    said = read(done.stdout)
    assert done.exit_code == int(any(check.label == "FAIL" for check in said.values()))
    assert "hush" not in done.output
    return said


def flask_doctor(
    *options: str, env: dict[str, str], cwd: Path = ROOT, files: int = 4096, status: int = 0
) -> str:
    """Run the command as an operator does, with a limit on open files; return what it prints."""
    limited = ["sh", "-c", f'ulimit -S -n {files} && exec "$@"', "sh"]
    done = subprocess.run(
        [*limited, sys.executable, "-m", "flask", "doctor", *options],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(autouse=True)
def as_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the checkout, and without the wait callback of a service that another test has made."""
    monkeypatch.chdir(ROOT)
    callback = get_wait_callback()
    set_wait_callback(None)
    yield
    set_wait_callback(callback)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("catalogue"), ROWS)


@pytest.fixture
def loaded(clone: Callable[[], Database], folder: Path, reports: Path) -> Database:
    """A database with a catalogue, to be broken."""
    database = clone()
    load_catalogue(database.etl, folder, reports)
    return database


@pytest.fixture(scope="module")
def well(clone: Callable[[], Database], folder: Path, tmp_path_factory) -> Database:
    """A database with a catalogue, to be left as it is."""
    database = clone()
    load_catalogue(database.etl, folder, tmp_path_factory.mktemp("report"))
    return database


def change(database: Database, *statements: str) -> None:
    """Run statements as the superuser; {name} is the database's."""
    with session(database) as cursor:
        for statement in statements:
            cursor.execute(statement.format(name=database.name))


def invalidate(database: Database, index: str) -> None:
    """Leave an index as a build that was cancelled does."""
    change(
        database,
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'catalogue.{index}'::regclass",
    )


def pretend(database: Database, role: str, function: str) -> None:
    """Have a role's sessions find a function of ours in the place of one of PostgreSQL's."""
    change(
        database,
        "CREATE SCHEMA pretended",
        "GRANT USAGE ON SCHEMA pretended TO PUBLIC",
        f"CREATE FUNCTION pretended.{function}",
        f"ALTER ROLE {role} IN DATABASE {{name}} SET search_path = pretended, pg_catalog",
    )


def test_all_is_well(well: Database) -> None:
    said = read(flask_doctor(env=environment(well)))
    assert {check.label for check in said.values()} == {"ok"}
    assert said["database"].found.startswith("PostgreSQL 1")
    assert f"database {well.name} on" in said["database"].found
    assert "products_app" in said["database"].found
    assert said["migrations"].found == f"{len(list(MIGRATIONS.iterdir()))} applied, none pending"
    assert said["app role"].found == "products_app only reads, statement_timeout 500 ms"
    assert said["etl role"].found == "products_etl can load, as products_owner"
    assert re.fullmatch(r"load 1, published 2\S+ \S+ UTC, 6 rows", said["catalogue"].found)
    assert said["indexes"].found.startswith(f"{len(read_indexes())} ")
    assert "1 x 2 x 4" in said["connections"].found
    assert "a primary without standbys" in said["replication"].found
    assert "DB_DEADLINE_MS 800 < " in said["timeouts"].found


def test_json_says_the_same(well: Database) -> None:
    printed = json.loads(flask_doctor("--json", env=environment(well)))
    assert printed["ok"] is True
    assert [check["name"] for check in printed["checks"]] == NAMES
    assert {check["status"] for check in printed["checks"]} == {"ok"}
    assert all(set(check) == {"name", "status", "found", "hint"} for check in printed["checks"])
    printed = json.loads(
        flask_doctor("--json", env=environment(None, DATABASE_URL=NOWHERE), status=1)
    )
    assert printed["ok"] is False
    statuses = {check["name"]: check["status"] for check in printed["checks"]}
    assert (statuses["database"], statuses["clock"]) == ("fail", "skipped")
    assert "hush" not in str(printed)


def test_an_invalid_configuration_ends_the_examination(well: Database) -> None:
    said = doctor(well, PORT="http")
    assert said["configuration"].label == "FAIL"
    assert "PORT=http: Not a valid integer" in said["configuration"].found
    assert {check.label for name, check in said.items() if name != "configuration"} == {"skip"}


def test_a_misspelt_setting_is_named_without_its_value(well: Database) -> None:
    check = doctor(well, DB_POOLSIZE="hush")["configuration"]
    assert check.label == "warn"
    assert "DB_POOLSIZE is not a setting: is DB_POOL_SIZE meant?" in check.hint


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (NOWHERE, "refused"),
        ("postgresql://who@127.0.0.1:1/products?password=hush", "refused"),
    ],
)
def test_nothing_depends_on_a_database_that_cannot_be_reached(url: str, words: str) -> None:
    said = doctor(None, DATABASE_URL=url)
    assert said["database"].label == "FAIL"
    assert words in said["database"].found
    assert "is DATABASE_URL right" in said["database"].hint
    labels = {name: check.label for name, check in said.items()}
    assert labels == dict.fromkeys(NAMES, "skip") | {
        "configuration": "ok",
        "database": "FAIL",
        "open files": labels["open files"],
        "timeouts": "ok",
    }
    assert said["clock"].found == "the database cannot be reached"


@pytest.mark.parametrize("password", ["hu%zzsh", "hu@hush", "hu/sh"])
def test_a_url_that_libpq_does_not_understand(password: str) -> None:
    url = f"postgresql://who:{password}@127.0.0.1:1/products"
    check = doctor(None, DATABASE_URL=url)["configuration"]
    assert check.label == "FAIL"
    assert "DATABASE_URL=(hidden): is not one that libpq understands" in check.found


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


def test_a_database_that_is_not_migrated(server: Server, template: str) -> None:
    with janitor(server, "products_empty"):
        said = doctor(Database(server, "products_empty"))
    first = min(path.name for path in MIGRATIONS.iterdir())
    assert said["migrations"].label == "FAIL"
    assert said["migrations"].found.startswith(f"pending: {first}")
    assert said["migrations"].hint == "flask db upgrade"
    assert said["catalogue"] == Said("skip", "the database is not migrated", "")
    assert said["connections"].label == "ok"


def test_migrations_of_another_release(loaded: Database, tmp_path: Path) -> None:
    newer = shutil.copytree(MIGRATIONS, tmp_path / "newer")
    (newer / "9998_more.sql").write_text("-- migrate:up\n-- migrate:down\n")
    check = doctor(loaded, "--directory", newer)["migrations"]
    assert check == Said("FAIL", "pending: 9998_more.sql", "flask db upgrade")
    change(loaded, "INSERT INTO public.schema_migrations VALUES ('9999')")
    check = doctor(loaded)["migrations"]
    assert (check.label, check.found) == ("warn", "the database is ahead of this release by 9999")
    check = doctor(loaded, "--directory", tmp_path / "nowhere")["migrations"]
    assert check.label == "FAIL"
    assert "--directory" in check.hint


@pytest.mark.parametrize(
    ("statement", "found", "hint"),
    [
        (
            "GRANT INSERT ON catalogue.products TO products_app",
            "products_app may INSERT ON catalogue.products",
            "as the owner: REVOKE INSERT ON catalogue.products FROM products_app",
        ),
        (
            "GRANT UPDATE (name) ON catalogue.products TO products_app",
            "products_app may UPDATE ON catalogue.products",
            "REVOKE UPDATE ON catalogue.products",
        ),
        (
            "GRANT CREATE ON SCHEMA catalogue TO products_app",
            "products_app may CREATE ON SCHEMA catalogue",
            "REVOKE CREATE ON SCHEMA catalogue",
        ),
        (
            "GRANT ALL ON ALL TABLES IN SCHEMA etl TO products_app",
            "products_app may DELETE ON etl.loads, INSERT ON etl.loads, TRUNCATE ON etl.loads and "
            "1 more",
            "REVOKE DELETE ON etl.loads",
        ),
        (
            "REVOKE SELECT ON catalogue.skus FROM products_app",
            "products_app may not read catalogue.skus",
            "as the owner: GRANT SELECT ON catalogue.skus TO products_app",
        ),
        (
            "REVOKE USAGE ON SCHEMA catalogue FROM products_app",
            "products_app may not read SCHEMA catalogue",
            "GRANT USAGE ON SCHEMA catalogue TO products_app",
        ),
    ],
)
def test_privileges_of_the_service(loaded: Database, statement: str, found: str, hint: str) -> None:
    change(loaded, statement)
    said = doctor(loaded)
    assert said["app role"].label == "FAIL"
    assert said["app role"].found == found
    assert hint in said["app role"].hint
    # and none of the others stumbles over it
    assert not any("Error" in check.found for check in said.values())


@pytest.mark.parametrize(
    ("setting", "found", "hint"),
    [
        ("statement_timeout = 0", "no statement_timeout", "SET statement_timeout = '500ms'"),
        ("statement_timeout = '5s'", "a statement_timeout of 5,000 ms", "'500ms'"),
        (
            "default_transaction_read_only = off",
            "does not begin read-only",
            "SET default_transaction_read_only = on",
        ),
    ],
)
def test_limits_of_the_services_role(loaded: Database, setting: str, found: str, hint: str) -> None:
    change(loaded, f"ALTER ROLE products_app IN DATABASE {{name}} SET {setting}")
    check = doctor(loaded)["app role"]
    assert check.label == "warn"
    assert found in check.found
    assert hint in check.hint


def test_a_service_that_logs_in_as_somebody_else(well: Database) -> None:
    said = doctor(well, DATABASE_URL=well.admin)
    assert said["app role"].label == "FAIL"
    assert said["app role"].found.startswith("postgres may ")
    assert said["app role"].hint == "let DATABASE_URL log in as products_app, which only reads"
    # a load would not see the statements of such a service, for which it has to wait
    assert said["etl role"].label == "FAIL"
    assert "membership in postgres" in said["etl role"].found


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("REVOKE CREATE ON DATABASE {name} FROM products_owner", "CREATE ON DATABASE"),
        ("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC", "TEMPORARY ON DATABASE"),
        (
            "REVOKE SELECT ON public.schema_migrations FROM products_owner",
            "SELECT ON public.schema_migrations",
        ),
        ("ALTER SCHEMA catalogue OWNER TO postgres", "to own SCHEMA catalogue"),
        ("ALTER TABLE catalogue.skus OWNER TO postgres", "to own catalogue.skus"),
        ("ALTER TABLE etl.loads OWNER TO postgres", "INSERT ON etl.loads, SELECT ON etl.loads"),
        ("ALTER SCHEMA etl OWNER TO postgres", "USAGE ON SCHEMA etl"),
    ],
)
def test_a_load_that_lacks_something(loaded: Database, statement: str, lacking: str) -> None:
    change(loaded, statement)
    # also seen from a host that has the service's URL alone
    for only in ({}, {"ETL_DATABASE_URL": "", "MIGRATIONS_DATABASE_URL": ""}):
        check = doctor(loaded, **only)["etl role"]
        assert check.label == "FAIL"
        assert check.found.startswith("products_etl lacks ")
        assert lacking in check.found
        assert "give it to products_owner" in check.hint


def test_other_urls_that_do_not_let_in(well: Database) -> None:
    said = doctor(well, ETL_DATABASE_URL=NOWHERE, MIGRATIONS_DATABASE_URL=NOWHERE)
    assert said["database"].label == "ok"
    for name, variable in (("migrations", "MIGRATIONS"), ("etl role", "ETL")):
        assert said[name].label == "FAIL"
        assert said[name].found.startswith(f"{variable}_DATABASE_URL: connection to server")
    # said once
    assert said["disk"] == Said("skip", "MIGRATIONS_DATABASE_URL does not let us in", "")
    assert said["catalogue"].found == "load 1, about 6 rows"


def test_a_host_that_only_serves(well: Database) -> None:
    said = doctor(None, DATABASE_URL=well.app)
    labels = {name: check.label for name, check in said.items() if check.label != "ok"}
    labels.pop("open files", None)
    assert labels == {"migrations": "skip", "disk": "skip"}
    assert said["etl role"].found == "products_etl can load, as products_owner"
    assert said["catalogue"].found == "load 1, about 6 rows"


def test_no_load(database: Database) -> None:
    said = doctor(database)
    assert said["catalogue"] == Said("FAIL", "no load was published", "flask etl load FOLDER")
    for name in ("indexes", "statistics"):
        assert said[name] == Said("skip", "no load was published", "")


def test_indexes(loaded: Database) -> None:
    for name, index in read_indexes().items():
        with session(loaded) as cursor:
            cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [f"catalogue.{name}"])
            (definition,) = cursor.fetchone()
        change(loaded, f"DROP INDEX catalogue.{name}")
        assert doctor(loaded)["indexes"] == Said(
            "FAIL", f"missing: {name} on {index.table}", "flask etl index build"
        )
        change(loaded, definition)
    invalidate(loaded, name)
    check = doctor(loaded)["indexes"]
    assert (check.label, check.found) == ("FAIL", f"not valid: {name}")
    assert check.hint.startswith(f"flask etl index drop {name}")


def test_an_index_of_somebody_else(loaded: Database) -> None:
    change(loaded, "CREATE INDEX mine ON catalogue.products (name)")
    invalidate(loaded, "mine")
    check = doctor(loaded)["indexes"]
    assert (check.label, check.found) == ("warn", "not valid, and none of ours: mine")
    assert "DROP INDEX catalogue.mine" in check.hint


def test_what_a_load_holds_is_skipped(loaded: Database) -> None:
    change(loaded, "CREATE SCHEMA catalogue_next", "CREATE TABLE catalogue_next.skus ()")
    with closing(psycopg2.connect(loaded.admin)) as other:
        other.cursor().execute("LOCK TABLE catalogue_next.skus IN ACCESS EXCLUSIVE MODE")
        said = doctor(loaded)
    assert {name: said[name].label for name in ("catalogue", "disk")} == {
        "catalogue": "ok",
        "disk": "skip",
    }
    assert "a load or a migration holds" in said["disk"].found


def test_keys(loaded: Database) -> None:
    change(loaded, "ALTER TABLE catalogue.related DROP CONSTRAINT related_pkey")
    assert doctor(loaded)["keys"].found == "missing: the primary key of related"
    change(
        loaded,
        "ALTER TABLE catalogue.related ADD PRIMARY KEY (id)",
        "ALTER TABLE catalogue.photos DROP CONSTRAINT photos_style_id_fkey",
    )
    check = doctor(loaded)["keys"]
    assert (check.label, check.found) == ("FAIL", "missing: photos.style_id to styles")
    assert "flask etl load" in check.hint
    change(
        loaded,
        "ALTER TABLE catalogue.photos ADD FOREIGN KEY (style_id) REFERENCES catalogue.styles "
        "NOT VALID",
    )
    check = doctor(loaded)["keys"]
    assert (check.label, check.found) == ("FAIL", "not validated: photos_style_id_fkey")
    statement = check.hint.removeprefix("as the owner: ")
    change(loaded, statement)
    assert doctor(loaded)["keys"].label == "ok"


def test_statistics(loaded: Database) -> None:
    change(loaded, "UPDATE pg_class SET reltuples = -1 WHERE oid = 'catalogue.skus'::regclass")
    check = doctor(loaded)["statistics"]
    assert (check.label, check.found) == ("warn", "stale: skus")
    assert "VACUUM (ANALYZE) catalogue.skus" in check.hint
    change(
        loaded,
        "VACUUM (ANALYZE) catalogue.skus",
        "ALTER TABLE catalogue.photos SET (autovacuum_enabled = off)",
        "SELECT pg_stat_reset_single_table_counters('catalogue.photos'::regclass)",
        "INSERT INTO catalogue.photos (id, style_id) SELECT n, 1 FROM generate_series(2, 500) AS n",
    )
    check = doctor(loaded)["statistics"]
    assert (check.label, check.found) == ("warn", "stale: photos")
    change(loaded, "VACUUM (ANALYZE) catalogue.photos")
    assert doctor(loaded)["statistics"].label == "ok"


def test_more_hosts_than_the_server_has_connections_for(well: Database) -> None:
    with session(well) as cursor:
        cursor.execute("SHOW max_connections")
        total = int(cursor.fetchone()[0])
    check = doctor(well, "--hosts", "100", GUNICORN_WORKERS="3", DB_POOL_SIZE="2")["connections"]
    assert check.label == "FAIL"
    assert check.found.startswith("100 x 3 x 2 (hosts x GUNICORN_WORKERS x DB_POOL_SIZE) + 8 for ")
    assert f"= 608; there are {total - 3} (max_connections {total} - 3 reserved)" in check.found
    assert "raise max_connections to 611 or more" in check.hint


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


def test_too_few_open_files(well: Database) -> None:
    check = read(flask_doctor(env=environment(well), files=256))["open files"]
    assert check.label == "warn"
    assert check.found.startswith("limit 256 here, and a worker may need ")
    assert "LimitNOFILE=" in check.hint


@pytest.mark.parametrize(
    ("file", "text", "settings", "hint"),
    [
        (
            "nginx.conf",
            "  proxy_read_timeout 700ms;\n",
            {},
            "make DB_DEADLINE_MS less than proxy_read_timeout",
        ),
        (
            "gunicorn.conf.py",
            "timeout = 1\n",
            {"DB_DEADLINE_MS": "1000"},
            "make DB_DEADLINE_MS less than gunicorn's timeout",
        ),
    ],
)
def test_limits_on_time_that_do_not_fit_into_one_another(
    well: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    text: str,
    settings: dict[str, str],
    hint: str,
) -> None:
    release(tmp_path)
    with (tmp_path / file).open("a") as stream:
        stream.write(text)
    monkeypatch.chdir(tmp_path)
    check = doctor(well, **settings)["timeouts"]
    assert (check.label, check.hint) == ("FAIL", hint)


def release(folder: Path) -> None:
    """Put into a folder what gunicorn is started from."""
    for name in ("gunicorn.conf.py", "wsgi.py"):
        shutil.copy(ROOT / name, folder)


def test_the_balancers_limits_are_read(
    well: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(tmp_path)
    (tmp_path / "nginx.conf").write_text("proxy_read_timeout 3s;\n    proxy_read_timeout 900ms;\n")
    monkeypatch.chdir(tmp_path)
    check = doctor(well)["timeouts"]
    assert check.label == "ok"
    assert "800 < proxy_read_timeout 900 < gunicorn's timeout 30,000 ms" in check.found


def test_a_gunicorn_that_would_not_start(
    well: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(tmp_path)
    (tmp_path / "gunicorn.conf.py").write_text("raise SystemExit('no certificate')\n")
    monkeypatch.chdir(tmp_path)
    said = doctor(well)
    for name in ("open files", "timeouts"):
        assert said[name].label == "FAIL"
        assert said[name].found == "gunicorn does not start: no certificate"


def test_a_folder_that_nothing_is_served_from(
    well: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = doctor(well, "--directory", MIGRATIONS)
    for name in ("open files", "timeouts"):
        assert said[name].label == "skip"
        assert "gunicorn.conf.py" in said[name].found


def test_a_check_that_fails_itself_leaves_the_others_alone(loaded: Database) -> None:
    change(loaded, "REVOKE EXECUTE ON FUNCTION pg_catalog.clock_timestamp() FROM PUBLIC")
    said = doctor(loaded)
    assert said["clock"].label == "FAIL"
    assert "permission denied for function clock_timestamp" in said["clock"].found
    assert "the check itself failed" in said["clock"].hint
    assert said["timeouts"].label == "ok"


def test_one_role_for_everything(server: Server, folder: Path, reports: Path) -> None:
    with throwaway(server.programs) as elsewhere:
        with closing(psycopg2.connect(elsewhere.url())) as admin:
            admin.autocommit = True
            admin.cursor().execute("CREATE ROLE solo LOGIN")
            admin.cursor().execute("CREATE DATABASE products OWNER solo")
        url = elsewhere.url("solo", "products")
        migrate(url, MIGRATIONS, "up")
        load_catalogue(url, folder, reports)
        said = doctor(None, DATABASE_URL=url)
    labels = {name: check.label for name, check in said.items() if check.label != "ok"}
    labels.pop("open files", None)
    assert labels == {"app role": "warn", "disk": "skip"}
    assert "one role does everything here" in said["app role"].hint
    assert said["etl role"].found == "solo can load"


@pytest.mark.slow
def test_a_standby(server: Server, folder: Path, reports: Path) -> None:
    with throwaway(server.programs) as primary, standby_of(primary) as standby:
        here = Database(primary, "products")
        with closing(psycopg2.connect(primary.url())) as admin:
            admin.autocommit = True
            admin.cursor().execute("CREATE DATABASE products")
        migrate(here.admin, MIGRATIONS, "up")
        load_catalogue(here.etl, folder, reports)
        there = Database(standby, "products")
        reading = {"DATABASE_URL": there.app}
        wait_for(lambda: serves_a_load(there))
        said = doctor(here)
        assert re.fullmatch(
            r"walreceiver: streaming, 0\.0 MB and \d\.\d s behind", said["replication"].found
        )
        said = doctor(here, **reading)
        assert said["replication"].found == "this standby: replaying, 0.0 MB and 0.0 s behind"
        assert said["catalogue"].found.startswith("load 1")
        # A load into a standby is nothing that could be.
        assert doctor(there)["etl role"].found == "the server is a standby, which only reads"

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


def test_the_embedded_server_runs_meanwhile() -> None:
    with checkout() as folder:
        env = environment(None, DEVDB_DIR=str(folder / ".devdb"))
        said = read(flask_doctor("--directory", str(MIGRATIONS), env=env, cwd=folder, status=1))
        assert 'role "products_app" does not exist' in said["database"].found
        assert said["migrations"].hint == "flask db upgrade"
        assert embedded.status(folder / ".devdb").pid is None


def test_an_embedded_server_that_cannot_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def halt(_: object) -> None:
        raise embedded.EmbeddedError("pg_ctl failed")

    with checkout() as folder, monkeypatch.context() as patch:
        patch.setattr(embedded.server, "halt", halt)
        env = environment(None, DEVDB_DIR=str(folder / ".devdb"))
        hidden = {name: None for name in os.environ if name not in env}
        done = CliRunner().invoke(command, env=hidden | env)
    assert done.exit_code == 1
    assert done.stderr == "Error: pg_ctl failed\n"
