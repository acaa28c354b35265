"""The examination: every check in order, each on its own, whatever the others find."""

from collections.abc import Callable, Iterator, Mapping

from products_service.config import ConfigurationError, find_misspelt, load_settings
from products_service.doctor import catalogue, host, roles, server
from products_service.doctor.connection import LockedError
from products_service.doctor.findings import (
    FailError,
    Finding,
    SkipError,
    Status,
    fail,
    ok,
    warn,
)
from products_service.doctor.installation import Expected, Installation, installed

Check = Callable[[Installation], Finding]

CONFIGURATION = "configuration"
CHECKS: dict[str, Check] = {
    "database": server.check_database,
    "migrations": catalogue.check_migrations,
    "app role": roles.check_app_role,
    "etl role": roles.check_etl_role,
    "catalogue": catalogue.check_load,
    "indexes": catalogue.check_indexes,
    "keys": catalogue.check_keys,
    "statistics": catalogue.check_statistics,
    "connections": server.check_connections,
    "replication": server.check_replication,
    "disk": server.check_disk,
    "clock": server.check_clock,
    "open files": host.check_open_files,
    "timeouts": host.check_timeouts,
}


def examine(environ: Mapping[str, str], expected: Expected) -> Iterator[tuple[str, Finding]]:
    """Yield the name of every check and what it found, as it comes."""
    try:
        settings = load_settings(environ)
    except ConfigurationError as error:
        yield CONFIGURATION, fail(str(error), "set it right, or unset it")
        for name in CHECKS:
            yield name, Finding(Status.SKIPPED, "the configuration is not valid")
        return
    yield CONFIGURATION, check_configuration(environ)
    with installed(settings, expected) as installation:
        for name, check in CHECKS.items():
            yield name, outcome(check, installation)


def check_configuration(environ: Mapping[str, str]) -> Finding:
    """Whether a variable of the environment may be meant for us and is not known."""
    misspelt = find_misspelt(environ)
    if misspelt:
        return warn("valid, but not everything is a setting", "; ".join(misspelt))
    return ok("valid")


def outcome(check: Check, installation: Installation) -> Finding:
    """Return what a check finds, or how it failed itself: the others still run."""
    try:
        return check(installation)
    except SkipError as reason:
        return Finding(Status.SKIPPED, str(reason))
    except LockedError:
        return Finding(Status.SKIPPED, "a load or a migration holds what it looks at: ask again")
    except FailError as error:
        return error.finding
    except Exception as error:
        return fail(
            f"{type(error).__name__}: {error}",
            "the check itself failed, which tells nothing about what it checks: please report it",
        )
