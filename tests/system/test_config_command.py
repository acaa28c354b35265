"""`flask config`: what is in force and where it comes from, without anything secret."""

import json
import re
import subprocess
import sys

import pytest

from products_service.commands.config import hide
from products_service.config import SettingsSchema, find_misspelt
from products_service.libpq_url import check_libpq_url, parse
from tests.programs import ROOT, environment
from tests.waiting import HANG

SECRET = "postgresql://me:hush@db.example.com:5433/products?sslmode=require&password=hush"


def flask_config(*options: str, status: int = 0, **settings: str) -> tuple[str, str]:
    """Return what the command prints, and what it warns of."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "config", *options],
        cwd=ROOT,
        env=environment(None, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "hush" not in done.stdout + done.stderr
    return done.stdout, done.stderr


def test_every_setting_with_its_value_and_source() -> None:
    printed, warned = flask_config(DATABASE_URL=SECRET, DB_POOL_SIZE="3", METRICS="off", PORT="")
    assert warned == ""
    lines = {name: rest for name, *rest in map(str.split, printed.splitlines())}
    assert list(lines) == list(SettingsSchema().fields)
    assert lines["DATABASE_URL"] == [
        "environment",
        "postgresql://me:***@db.example.com:5433/products?sslmode=require&password=***",
    ]
    assert lines["ETL_DATABASE_URL"] == ["default", "(not", "set)"]
    assert lines["DB_POOL_SIZE"] == ["environment", "3"]
    assert lines["METRICS"] == ["environment", "false"]
    # empty is unset
    assert lines["PORT"] == ["default", "8000"]
    assert lines["CORS_ORIGINS"] == ["default", "*"]


def test_a_path_that_is_no_text() -> None:
    printed, _ = flask_config(DEVDB_DIR="/tmp/\udcff", PYTHONIOENCODING="utf-8:strict")
    assert "environment  /tmp/\ufffd\n" in printed


def test_json() -> None:
    printed = json.loads(flask_config("--json", DATABASE_URL=SECRET, GUNICORN_WORKERS="3")[0])
    assert list(printed) == list(SettingsSchema().fields)
    assert printed["GUNICORN_WORKERS"] == {"value": 3, "source": "environment"}
    assert printed["DATABASE_URL"]["value"].startswith("postgresql://me:***@db.example.com")
    assert printed["ETL_DATABASE_URL"] == {"value": None, "source": "default"}


def test_what_each_means() -> None:
    # also to whoever has not got them right yet
    printed, warned = flask_config("--describe", PORT="http")
    assert warned == ""
    described = dict(re.findall(r"^(\w+) \(default: .*\)\n((?:    .+\n)+)$", printed, re.MULTILINE))
    assert list(described) == list(SettingsSchema().fields)
    assert "DB_POOL_SIZE (default: 4; 1 to 100)\n    Connections of one worker process." in printed
    assert "DATABASE_URL (default: (not set))\n" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_one_of_two_forms() -> None:
    _, said = flask_config("--describe", "--json", status=2)
    assert "--json and --describe exclude each other" in said


def test_what_is_printed_can_be_set() -> None:
    first, _ = flask_config("--json")
    values = {name: setting["value"] for name, setting in json.loads(first).items()}
    given = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }
    again = json.loads(flask_config("--json", **given)[0])
    assert {name: setting["value"] for name, setting in again.items()} == values
    assert {again[name]["source"] for name in given} == {"environment"}


def test_a_wrong_setting() -> None:
    printed, said = flask_config(status=2, PORT="http", DATABASE_URL="mysql://me:hush@db/x")
    assert printed == ""
    assert "PORT=http: must be a whole number" in said
    assert "DATABASE_URL=(hidden): must be a URL such as postgresql://" in said


def test_misspelt_settings_are_named_on_standard_error() -> None:
    printed, said = flask_config(DB_POOLSIZE="hush", GUNICORN_WORKER="hush", DB_PASSWORD="hush")
    assert said.splitlines() == [
        "Warning: DB_PASSWORD is not a setting (flask config lists them)",
        "Warning: DB_POOLSIZE is not a setting: is DB_POOL_SIZE meant?",
        "Warning: GUNICORN_WORKER is not a setting: is GUNICORN_WORKERS meant?",
    ]
    assert "DB_POOLSIZE" not in printed


@pytest.mark.parametrize("name", ["db_pool_size", "DATABASE_URI", "DATABSE_URL", "BINDADDRESS"])
def test_what_looks_like_a_setting(name: str) -> None:
    (sentence,) = find_misspelt({name: "hush"})
    assert sentence.startswith(f"{name} is not a setting: is ")


@pytest.mark.parametrize(
    "name", ["HOME", "PGPORT", "TEST_DATABASE_URL", "GUNICORN_CMD_ARGS", "DEVELOPMENT", "PATH"]
)
def test_what_is_somebody_elses(name: str) -> None:
    assert find_misspelt({name: "x"}) == []


def test_our_own_settings_are_not_misspelt() -> None:
    assert find_misspelt(dict.fromkeys(SettingsSchema().fields, "x")) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://db/products", "postgresql://db/products"),
        ("postgres://me@h1:1,h2:2/products", "postgres://me@h1:1,h2:2/products"),
        ("postgresql://me:hu%40sh@db/p", "postgresql://me:***@db/p"),
        ("postgresql://me:hu?sh#1@db/p", "postgresql://me:***@db/p"),
        ("postgresql://me:@db/p", "postgresql://me:***@db/p"),
        ("postgresql:///p?host=/run/db&port=1", "postgresql:///p?host=/run/db&port=1"),
        ("postgresql://db/p?password=hush", "postgresql://db/p?password=***"),
        ("postgresql://db/p?%70assword=hush&user=me", "postgresql://db/p?%70assword=***&user=me"),
        ("postgresql://db/p?user=me%40corp", "postgresql://db/p?user=me%40corp"),
        ("postgresql://db/p?", "postgresql://db/p?"),
        ("postgresql://me:a?b@db/p?user=a@b/c@d", "postgresql://me:***@db/p?user=a@b/c@d"),
        ("postgresql://me@[::1]:5432/p", "postgresql://me@[::1]:5432/p"),
        ("postgresql://db/p?passfile=hush&port=1", "postgresql://db/p?passfile=***&port=1"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    check_libpq_url(url)
    assert hide(url) == shown


def test_a_command_line_has_no_password() -> None:
    url = parse("postgresql://me:hush@db/p?sslpassword=hush&password=hush&sslkey=key.pem")
    assert str(url.without_password()) == "postgres://me@/p?sslkey=key.pem&host=db"


@pytest.mark.parametrize("command", ["--help", "doctr"])
def test_other_commands_say_so_without_a_traceback(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", command],
        cwd=ROOT,
        env=environment(None, PORT="abc"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert "invalid configuration: PORT=abc" in done.stderr
    assert "Traceback" not in done.stderr
