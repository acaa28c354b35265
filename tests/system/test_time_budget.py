"""The time budget, added up from the files that are shipped: no answer takes more than 2 s.

Each limit stands where it is in force: the settings' defaults, the role, nginx.conf and
gunicorn.conf.py. Times are in milliseconds.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import crossplane
import pytest

from products_service.config import load_settings
from products_service.database import checkouts, pipelines
from products_service.serving import slots
from tests.conftest import MIGRATIONS
from tests.programs import ROOT, environment

PROMISE = 2000
# What carrying a request and its answer takes, on a busy machine, beyond the limits.
CARRYING = 50
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "": 1000}

SETTINGS = load_settings({})
DEADLINE = SETTINGS["DB_DEADLINE_MS"]


def directives(block: list[dict] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Yield every directive of nginx.conf and of what it includes, whatever block it is in."""
    if block is None:
        parsed = crossplane.parse(str(ROOT / "nginx.conf"), combine=True)
        assert parsed["errors"] == []
        block = parsed["config"][0]["parsed"]
    for directive in block:
        yield directive["directive"], directive["args"]
        yield from directives(directive.get("block", []))


DIRECTIVES = list(directives())


def only(name: str) -> list[str]:
    """Return the arguments of a directive that stands in one place."""
    (found,) = [arguments for each, arguments in DIRECTIVES if each == name]
    return found


def milliseconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|)", text).groups()
    return int(number) * UNITS[unit]


def limit(name: str) -> int:
    (argument,) = only(name)
    return milliseconds(argument)


CONNECT, SEND, READ = (limit(f"proxy_{what}_timeout") for what in ("connect", "send", "read"))
NEXT = limit("proxy_next_upstream_timeout")
LOCK = limit("proxy_cache_lock_timeout")


def role_timeout() -> int:
    """Return the statement_timeout that the last migration to set it gives the service's role."""
    text = "".join(
        path.read_text().partition("-- migrate:down")[0] for path in sorted(MIGRATIONS.iterdir())
    )
    found = re.findall(r"ALTER ROLE products_app SET statement_timeout = '(\w+)'", text)
    return milliseconds(found[-1])


def numbers_of_gunicorn(counts: Path, **settings: str) -> dict[str, int]:
    """Return gunicorn's settings that are numbers, as its file makes them of ours."""
    place = {"DATABASE_URL": "postgresql://nowhere/x", "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    shown = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--print-config", "wsgi:app"],
        cwd=ROOT,
        env=environment(None, **place, **settings),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return {name: int(value) for name, value in re.findall(r"(\w+) += (\d+)\n", shown)}


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """gunicorn's limits as its file has them, in ms."""
    numbers = numbers_of_gunicorn(tmp_path_factory.mktemp("counts"))
    return {name: value * 1000 for name, value in numbers.items()}


def test_threads_are_as_many_as_are_set(tmp_path: Path) -> None:
    threaded = {"GUNICORN_WORKER_CLASS": "gthread", "GUNICORN_THREADS": "17"}
    assert numbers_of_gunicorn(tmp_path, **threaded)["threads"] == 17


def test_the_limits_are_those_of_the_table() -> None:
    assert (role_timeout(), SETTINGS["DB_STATEMENT_TIMEOUT_MS"]) == (500, 500)
    assert (DEADLINE, SETTINGS["DB_CONNECT_TIMEOUT_MS"]) == (800, 600)
    assert (CONNECT, SEND, READ) == (300, 900, 900)
    assert (NEXT, only("proxy_next_upstream_tries")) == (1000, ["3"])
    for name in ("client_header_timeout", "client_body_timeout", "send_timeout"):
        assert limit(name) == 10_000


def test_each_limit_ends_before_the_one_around_it(gunicorn: dict[str, int]) -> None:
    assert role_timeout() <= SETTINGS["DB_STATEMENT_TIMEOUT_MS"] < DEADLINE
    assert SETTINGS["DB_CONNECT_TIMEOUT_MS"] < DEADLINE
    assert DEADLINE + CARRYING <= READ
    # whose turn does not come is refused before, also who was sent behind a slow one first
    longest = slots.LONGEST + pipelines.PATIENCE + checkouts.LONGEST_IN_ONE_THREAD
    assert round(longest * 1000) + CARRYING <= READ
    # which is no limit of a request, and must not end a worker that is waiting for the database
    assert gunicorn["timeout"] > DEADLINE
    # a host that hangs is given up early enough for another to be asked
    assert CONNECT < NEXT
    assert READ + CARRYING <= NEXT
    # a worker that is told to stop ends its requests, and the clients of nginx get theirs
    assert gunicorn["graceful_timeout"] > READ


# What a request may meet, one after the other: each is an answer's longest way through the
# balancer. Whoever waits for another request's answer to the same question waits LOCK before.
WAYS = {
    "the database does not answer": [LOCK, DEADLINE],
    "a host is gone, and the database does not answer": [LOCK, CONNECT, DEADLINE],
    "a host hangs, and the database does not answer": [LOCK, READ, DEADLINE],
    "a host hangs, and the next is gone": [LOCK, READ, CONNECT],
    "a host hangs, and so does the next": [LOCK, READ, READ],
    "two hosts are gone": [LOCK, CONNECT, CONNECT],
    "a host is gone, the next hangs": [LOCK, CONNECT, READ],
    "three hosts are gone": [LOCK, CONNECT, CONNECT, CONNECT],
    "two hosts are gone, the next hangs": [LOCK, CONNECT, CONNECT, READ],
}


@pytest.mark.parametrize("way", WAYS)
def test_no_answer_takes_longer_than_promised(way: str) -> None:
    assert sum(WAYS[way]) + CARRYING <= PROMISE


def test_three_tries_are_all_and_two_of_hosts_that_hang() -> None:
    assert int(only("proxy_next_upstream_tries")[0]) == 3
    assert 2 * READ > NEXT
    assert only("proxy_next_upstream") == ["error", "timeout"]
    # one that is to be delayed would wait 2 s
    assert "nodelay" in only("limit_req")


def test_one_refresh_runs_at_a_time_until_it_must_have_ended() -> None:
    assert limit("proxy_cache_lock_age") >= 2 * READ


def test_who_asks_closes_connections_first(gunicorn: dict[str, int]) -> None:
    # twice: for clients, and for the hosts
    toward_clients, toward_hosts = (
        milliseconds(arguments[0]) for name, arguments in DIRECTIVES if name == "keepalive_timeout"
    )
    assert toward_hosts < gunicorn["keepalive"]
    # what may stand before the balancer keeps one that nobody uses for a minute
    assert toward_clients > 60_000


def test_a_new_load_shows_in_time() -> None:
    assert SETTINGS["CACHE_MAX_AGE"] + SETTINGS["CACHE_STALE_WHILE_REVALIDATE"] == 40
    assert "updating" not in only("proxy_cache_use_stale")
    kept = dict(part.split("=") for part in only("proxy_cache_path")[1:] if part.count("=") == 1)
    wanted = 40 + SETTINGS["CACHE_STALE_IF_ERROR"]
    assert milliseconds(kept["inactive"]) > wanted * 1000
