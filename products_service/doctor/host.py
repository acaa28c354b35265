"""Checks of this host: room for open files, and time limits that end one inside the other."""

import os
import re
import resource
import subprocess
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

from products_service import release
from products_service.doctor.findings import FailError, Finding, SkipError, fail, ok, warn
from products_service.doctor.installation import Installation

# What a worker has open beside its clients and its pool: sockets it listens on, logs, counters.
OTHER_FILES = 64
PATIENCE = 30  # seconds
GUNICORN_SETTING = re.compile(r"^(timeout|worker_connections)\s+= (\d+)$", re.MULTILINE)
NGINX = Path("nginx.conf")
# seconds where there is no unit: https://nginx.org/en/docs/syntax.html
READ_TIMEOUT = re.compile(r"^\s*proxy_read_timeout\s+(\d+)(ms|s|);", re.MULTILINE)


def check_open_files(installation: Installation) -> Finding:
    """Whether a worker may open as many files as it has clients and connections."""
    clients = gunicorn_settings(Path.cwd())["worker_connections"]
    pool = installation.settings["DB_POOL_SIZE"]
    needed = clients + pool + OTHER_FILES
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = (
        f"limit {limit:,} here, and a worker may need {needed:,}: {clients:,} clients "
        f"+ {pool} connections + {OTHER_FILES}"
    )
    if limit != resource.RLIM_INFINITY and limit < needed:
        return warn(
            found, f"ulimit -n {needed}, or LimitNOFILE={needed} in the unit that starts gunicorn"
        )
    return ok(found)


def check_timeouts(installation: Installation) -> Finding:
    """Whether each limit on time is shorter than the one around it: the inner one knows why."""
    settings = installation.settings
    limits = {
        "DB_STATEMENT_TIMEOUT_MS": settings["DB_STATEMENT_TIMEOUT_MS"],
        "DB_DEADLINE_MS": settings["DB_DEADLINE_MS"],
        "proxy_read_timeout": nginx_read_timeout(),
        # 0 is none
        "gunicorn's timeout": gunicorn_settings(Path.cwd())["timeout"] * 1000 or None,
    }
    chain = [(name, limit) for name, limit in limits.items() if limit is not None]
    for (inner, shorter), (outer, longer) in pairwise(chain):
        if shorter >= longer:
            return fail(
                f"{inner} is {shorter:,} ms, {outer} {longer:,} ms",
                f"make {inner} less than {outer}",
            )
    return ok(" < ".join(f"{name} {milliseconds:,}" for name, milliseconds in chain) + " ms")


def gunicorn_settings(folder: Path) -> dict[str, int]:
    """Return the timeout, in seconds, and worker_connections that gunicorn has in `folder`.

    gunicorn is asked itself: its file is a program, and there are other places for settings.
    Raises SkipError where it is not served from, FailError where gunicorn would not start.
    """
    if lacks := release.missing((release.CONFIGURATION, release.APPLICATION), folder):
        raise SkipError(f"there is no {lacks} in this folder")
    starts, said = ask_gunicorn(folder)
    if not starts:
        reason = said.strip().rpartition("\n")[2]
        raise FailError(fail(f"gunicorn does not start: {reason}", "flask serve shows it in full"))
    return {name: int(value) for name, value in GUNICORN_SETTING.findall(said)}


@cache
def ask_gunicorn(folder: Path) -> tuple[bool, str]:
    """Return whether gunicorn would start in `folder`, and its settings, or why it would not."""
    with tempfile.TemporaryDirectory() as counters:
        try:
            asked = subprocess.run(
                release.gunicorn("wsgi:app", "--print-config"),
                cwd=folder,
                # it would make the folders that it serves with
                env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": counters, "RUN_DIR": ""},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False, f"it has not shown its settings within {PATIENCE} s"
    return asked.returncode == 0, asked.stderr if asked.returncode else asked.stdout


def nginx_read_timeout() -> int | None:
    """Return how long the balancer waits for us at least, in ms; None where it is not here."""
    if not NGINX.is_file():
        return None
    found = READ_TIMEOUT.findall(NGINX.read_text("utf-8"))
    return min(
        (int(number) * (1 if unit == "ms" else 1000) for number, unit in found), default=None
    )
