"""`flask doctor`: all is well on a loaded database; each check is made whatever others find."""

import json
import os
import re
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from etl.indexes import read_indexes
from products_service import embedded
from products_service.commands.doctor import doctor as command
from tests.conftest import MIGRATIONS, Database
from tests.doctor.examined import (
    NAMES,
    NOWHERE,
    UNHURRIED,
    Said,
    change,
    doctor,
    flask_doctor,
    read,
)
from tests.programs import environment
from tests.servers import checkout


def test_all_is_well(well: Database) -> None:
    said = read(flask_doctor(env=environment(well, **UNHURRIED)))
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
    printed = json.loads(flask_doctor("--json", env=environment(well, **UNHURRIED)))
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
    assert "PORT=http: must be a whole number" in said["configuration"].found
    assert {check.label for name, check in said.items() if name != "configuration"} == {"skip"}


def test_a_misspelt_setting_is_named_without_its_value(well: Database) -> None:
    check = doctor(well, DB_POOLSIZE="hush")["configuration"]
    assert check.label == "warn"
    assert "DB_POOLSIZE is not a setting: is DB_POOL_SIZE meant?" in check.hint


def test_a_password_that_is_part_of_other_words(well: Database) -> None:
    parts = urlsplit(well.app)
    said = doctor(well, DATABASE_URL=f"{well.app}{'&' if parts.query else '?'}password=ro")
    assert f"database {well.name} on " in said["database"].found
    said = doctor(None, DATABASE_URL="postgresql://who@127.0.0.1:1/products?password=p")
    assert "port 1 failed" in said["database"].found


@pytest.mark.parametrize("password", ["hu%zzsh", "hu@hush", "hu/sh"])
def test_a_url_that_libpq_does_not_understand(password: str) -> None:
    url = f"postgresql://who:{password}@127.0.0.1:1/products"
    check = doctor(None, DATABASE_URL=url)["configuration"]
    assert check.label == "FAIL"
    assert "DATABASE_URL=(hidden): is not one that libpq understands" in check.found


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


def test_other_urls_that_do_not_let_in(well: Database) -> None:
    said = doctor(well, ETL_DATABASE_URL=NOWHERE, MIGRATIONS_DATABASE_URL=NOWHERE, **UNHURRIED)
    assert said["database"].label == "ok"
    for name, variable in (("migrations", "MIGRATIONS"), ("etl role", "ETL")):
        assert said[name].label == "FAIL"
        assert said[name].found.startswith(f"{variable}_DATABASE_URL: connection to server")
    # said once
    assert said["disk"] == Said("skip", "MIGRATIONS_DATABASE_URL does not let us in", "")
    assert said["catalogue"].found == "load 1, about 6 rows"


def test_a_host_that_only_serves(well: Database) -> None:
    said = doctor(None, DATABASE_URL=well.app, **UNHURRIED)
    labels = {name: check.label for name, check in said.items() if check.label != "ok"}
    labels.pop("open files", None)
    assert labels == {"migrations": "skip", "disk": "skip"}
    assert said["etl role"].found == "products_etl can load, as products_owner"
    assert said["catalogue"].found == "load 1, about 6 rows"


def test_a_check_that_fails_itself_leaves_the_others_alone(loaded: Database) -> None:
    change(loaded, "REVOKE EXECUTE ON FUNCTION pg_catalog.clock_timestamp() FROM PUBLIC")
    said = doctor(loaded)
    assert said["clock"].label == "FAIL"
    assert "permission denied for function clock_timestamp" in said["clock"].found
    assert "the check itself failed" in said["clock"].hint
    assert said["timeouts"].label == "ok"


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
