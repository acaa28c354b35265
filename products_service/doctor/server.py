"""Checks of the server: is it there and new enough, has it room, do clock and standbys keep up."""

import shutil
import time

from products_service.config import ConfigurationError
from products_service.database_urls import refuse_two_databases
from products_service.doctor.connection import NotAllowedError, Session, UnreachableError
from products_service.doctor.findings import Finding, SkipError, fail, listed, ok, warn
from products_service.doctor.installation import Installation

OLDEST_VERSION = 15
# Certificates, signed requests and the times in logs go by the clock.
CLOCK_SECONDS = 2.0
# What others than the service hold at a time: a load, `flask db upgrade` with its lock, this
# examination's three sessions, an operator's psql.
OTHER_CONNECTIONS = 8
# A load builds the next catalogue beside the served one, and sorts: its size, and a third of that.
NEXT_CATALOGUE = 4 / 3
# A standby that is further behind shows an old load for longer than caches do (42 s), or is about
# to: one segment of the write-ahead log.
LAG_SECONDS = 10.0
LAG_BYTES = 16 * 1024**2


def check_database(installation: Installation) -> Finding:
    """Whether the service can log in, as fast as it must, at a server that is supported."""
    try:
        refuse_two_databases(installation.settings)
        session = installation.service()
    except ConfigurationError as error:
        return fail("it is another one than that of loads and migrations", str(error))
    except UnreachableError as error:
        return fail(str(error), unreachable_hint(installation))
    version, number, user, _ = session.row("describe_server")
    milliseconds = session.connecting * 1000
    found = f"PostgreSQL {version}, {session.place} as {user}, connected in {milliseconds:.0f} ms"
    if number // 10_000 < OLDEST_VERSION:
        return fail(found, f"use PostgreSQL {OLDEST_VERSION} or later")
    limit = installation.settings["DB_CONNECT_TIMEOUT_MS"]
    if milliseconds > limit:
        return warn(
            found,
            f"the service gives up after {limit} ms (DB_CONNECT_TIMEOUT_MS): look for what is slow "
            "on the way to the server, or raise it together with DB_DEADLINE_MS",
        )
    return ok(found)


def unreachable_hint(installation: Installation) -> str:
    """Return what to do where the service cannot log in."""
    try:
        installation.session("admin")
    except SkipError:
        return "is DATABASE_URL right, and does the server run and let us in?"
    return (
        "the server runs and lets in who migrates: flask db upgrade makes the service's role, "
        "which needs a password where the server asks for one (after a dump was restored: "
        "docs/operations.md, Backups)"
    )


def check_clock(installation: Installation) -> Finding:
    """Whether this host and the database agree on the time."""
    session = installation.reached()
    before = time.time()
    (theirs,) = session.row("get_clock")
    after = time.time()
    difference = theirs - (before + after) / 2
    found = f"the database's is {abs(difference):.3f} s {'ahead' if difference > 0 else 'behind'}"
    if abs(difference) > CLOCK_SECONDS:
        return warn(found, "set both by NTP (systemctl status systemd-timesyncd, or chrony)")
    return ok(found)


def check_connections(installation: Installation) -> Finding:
    """Whether the server takes as many connections as the hosts' pools may open."""
    settings, hosts = installation.settings, installation.expected.hosts
    workers, pool = settings["GUNICORN_WORKERS"], settings["DB_POOL_SIZE"]
    total, reserved, limit = installation.reached().row("get_limits")
    pools = (hosts + 1) * workers * pool
    needed = pools + OTHER_CONNECTIONS
    found = (
        f"{hosts} x {workers} x {pool} (hosts x GUNICORN_WORKERS x DB_POOL_SIZE) + "
        f"{workers * pool} for a host that replaces its workers + {OTHER_CONNECTIONS} for loads, "
        f"migrations and operators = {needed}; "
        f"there are {total - reserved} (max_connections {total} - {reserved} reserved)"
    )
    if limit is not None and pools > limit:
        return fail(
            f"{found}, of which the service's role or database may have {limit}",
            f"give both a CONNECTION LIMIT of {pools} or more (ALTER ROLE, ALTER DATABASE), or -1",
        )
    if needed > total - reserved:
        return fail(
            found,
            f"raise max_connections to {needed + reserved} or more, or lower DB_POOL_SIZE or "
            "GUNICORN_WORKERS: requests that get no connection are answered 503",
        )
    return ok(found)


def check_disk(installation: Installation) -> Finding:
    """Whether the server's disk has room for another load, where it can be seen."""
    installation.migrated()
    size, removed, folder = installation.session("admin").row("get_size")
    if folder is None:
        raise SkipError("the database's disk cannot be seen from here")
    try:
        free = shutil.disk_usage(folder).free + removed
    except OSError as error:
        raise SkipError(f"the database's disk cannot be seen: {error.strerror}") from None
    needed = int(size * NEXT_CATALOGUE)
    found = (
        f"{gigabytes(free)} free in {folder} when a load begins; "
        f"the catalogue takes {gigabytes(size)}"
    )
    if free < needed:
        return warn(
            found, f"the next load takes about {gigabytes(needed)} beside the served one: make room"
        )
    return ok(found)


def gigabytes(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / 1e9:,.2f} GB"


def check_replication(installation: Installation) -> Finding:
    """Whether standbys are close behind their primary, and may stand in for it.

    Their primary is asked, where the administrator's session is with it and may see them; else, if
    the service reads from a standby, that one alone.
    """
    in_recovery, size, seconds = installation.reached().row("get_standby_lag")
    try:
        standbys = list_standbys(installation.session("admin"))
    except (NotAllowedError, SkipError):
        if not in_recovery:
            raise
        standbys = []
    limit = installation.settings["DB_STATEMENT_TIMEOUT_MS"]
    longest = installation.expected.statement_timeout
    if (in_recovery or standbys) and limit > longest:
        return warn(
            f"there are standbys, and DB_STATEMENT_TIMEOUT_MS is {limit}",
            f"at most {longest}: before it publishes, a load waits that long for statements that "
            "still run on standbys, and a longer one may miss rows of the next catalogue",
        )
    is_shown = all(state is not None for _, state, *_ in standbys)
    if in_recovery and not (standbys and is_shown):
        return lagging([("this standby", "replaying", size, seconds)])
    if not standbys:
        return ok("a primary without standbys")
    if not is_shown:
        raise SkipError(
            f"{len(standbys)} standbys, whose lag is shown to members of pg_monitor only"
        )
    return lagging(standbys)


def list_standbys(session: Session) -> list[tuple[str, str | None, int, float]]:
    """Return the standbys of a primary; none where what is asked is a standby itself."""
    in_recovery, *_ = session.row("get_standby_lag")
    return [] if in_recovery else session.run("list_standbys")


def lagging(standbys: list[tuple[str, str, int, float]]) -> Finding:
    """Return the finding on standbys: name, state, bytes and seconds behind."""
    found = listed(
        [
            f"{name}: {state}, {size / 1e6:.1f} MB and {seconds:.1f} s behind"
            for name, state, size, seconds in standbys
        ]
    )
    if any(size > LAG_BYTES or seconds > LAG_SECONDS for *_, size, seconds in standbys):
        return warn(
            found,
            "look for long queries and a slow disk or network on the standby, and whether replay "
            "is paused (pg_get_wal_replay_pause_state)",
        )
    return ok(found)
