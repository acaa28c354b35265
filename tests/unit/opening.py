"""A Database on an empty one of the server, patient, and its sessions as the server sees them."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2.extensions import get_wait_callback, set_wait_callback

from products_service.database import Database
from products_service.statements import Statement
from tests.waiting import HANG

OURS = "datname = current_database() AND application_name = 'products_service'"
STATEMENTS = {
    statement.name: statement
    for statement in [
        Statement("echo", (("body", "text"),), "SELECT 7, 'digest', $1 AS body"),
        Statement(
            "sleep", (("seconds", "float8"),), "SELECT 7, 'digest', pg_sleep($1)::text AS body"
        ),
        Statement("lock", (), "SELECT 7, 'digest', pg_advisory_xact_lock(1)::text AS body"),
        Statement("divide", (("by", "integer"),), "SELECT 7, 'digest', (1 / $1)::text AS body"),
        Statement(
            "session",
            (),
            "SELECT 7, 'digest', pg_backend_pid() || ' ' || current_setting('statement_timeout') "
            "|| ' ' || current_setting('default_transaction_read_only') AS body",
        ),
        Statement(
            "planning",
            (),
            "SELECT 7, 'digest', current_setting('plan_cache_mode') || ' ' || "
            "current_setting('jit') AS body",
        ),
        Statement(
            "write", (), "INSERT INTO written VALUES (1) RETURNING 7, 'digest', 'written' AS body"
        ),
    ]
}


@contextmanager
def opened(
    url: str, statements: dict[str, Statement] = STATEMENTS, **settings: float
) -> Iterator[Database]:
    """Yield a Database that is patient, but for what `settings` say."""
    callback = get_wait_callback()
    patient = {
        "pool_size": 2,
        "statement_timeout": HANG,
        "connect_timeout": HANG,
        "deadline": HANG,
        "retry_pause": HANG,
    }
    try:
        with closing(Database(url, statements, **(patient | settings))) as database:
            yield database
    finally:
        set_wait_callback(callback)


def terminate(admin: "psycopg2.extensions.cursor") -> None:
    # One that is just ending by itself is told so in vain: what counts is that it is gone.
    admin.execute(
        f"SELECT pid, pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {OURS}"
    )
    told = [pid for pid, _ in admin.fetchall()]
    deadline = time.monotonic() + HANG
    while True:
        admin.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", (told,))
        if admin.fetchone() == (0,):
            return
        assert time.monotonic() < deadline


def wait_for_sessions(admin: "psycopg2.extensions.cursor", count: int, condition: str) -> None:
    deadline = time.monotonic() + HANG
    while True:
        admin.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND {condition}")
        if admin.fetchone() == (count,):
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)
