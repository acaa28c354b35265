"""Every setting of the service: its environment variable, type, default and meaning, once."""

import difflib
import ipaddress
import os
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema
from marshmallow.validate import OneOf, Range

from products_service.libpq_url import check_libpq_url

# begins like settings of ours and is gunicorn's
FOREIGN = {"GUNICORN_CMD_ARGS"}


def between(least: int, most: int) -> Range:
    """Return what refuses other numbers."""
    return Range(least, most, error="must be {min} to {max}")


def one_of(*choices: str) -> OneOf:
    """Return what refuses other words."""
    return OneOf(choices, error="must be one of {choices}")


MILLISECONDS = between(1, 60_000)
# Of several servers each is given half of what time is left, and none is judged by less than 50 ms
# (database/sessions.py).
CONNECTING = between(100, 60_000)
SECONDS = between(0, 365 * 24 * 3600)


class ConfigurationError(Exception):
    """A setting in the environment is not valid; the message names each one and what is allowed."""


class Origins(fields.Field[frozenset[str]]):
    """Web origins (RFC 6454) separated by spaces; `*` for all, `none` for none."""

    # as browsers send them (RFC 6454, 6.2), since texts are compared
    _origin = re.compile(
        r"(?!http:.*:80$|https:.*:443$)https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?"
    )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> frozenset[str]:
        if value.strip() in ("*", "none"):
            return frozenset({"*"} if value.strip() == "*" else ())
        origins = frozenset(value.split())
        wrong = sorted(each for each in origins if not self._origin.fullmatch(each))
        if wrong or not origins:
            raise ValidationError(
                "must be *, none, or origins such as https://shop.example separated by spaces, as "
                "browsers send them: in lower case, without a port that goes without saying"
            )
        return origins

    def _serialize(self, value: frozenset[str], attr: Any, obj: Any, **kwargs: Any) -> str:
        return " ".join(sorted(value)) or "none"


class Address(fields.String):
    """An IP address, or the name of a host: without a port, and IPv6 without brackets."""

    _part = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    _name = re.compile(rf"(?=.{{1,253}}$){_part}(\.{_part})*", re.IGNORECASE)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            # what is all digits and dots is meant for an address, and is none
            if not self._name.fullmatch(value) or re.fullmatch(r"[0-9.]+", value):
                raise ValidationError(
                    "must be an IP address or the name of a host, without a port, which is PORT"
                ) from None
            return value


class Whole(fields.Integer):
    """A whole number."""

    default_error_messages = {"invalid": "must be a whole number"}  # noqa: RUF012


class Switch(fields.Boolean):
    """On or off."""

    default_error_messages = {"invalid": "must be true or false"}  # noqa: RUF012


class SettingsSchema(Schema):
    """The environment variables that the service, its commands and its hosts read."""

    DATABASE_URL = fields.String(
        load_default=None,
        validate=check_libpq_url,
        metadata={
            "secret": True,
            "description": "PostgreSQL 15 or later that the service reads from, as a libpq URL. "
            "Unset: the embedded server under DEVDB_DIR.",
        },
    )
    ETL_DATABASE_URL = fields.String(
        load_default=None,
        validate=check_libpq_url,
        metadata={
            "secret": True,
            "description": "Where `flask etl` writes, as a role that may create schemas. "
            "Unset: DATABASE_URL.",
        },
    )
    MIGRATIONS_DATABASE_URL = fields.String(
        load_default=None,
        validate=check_libpq_url,
        metadata={
            "secret": True,
            "description": "Where `flask db upgrade` defines tables and roles. "
            "Unset: ETL_DATABASE_URL.",
        },
    )
    DEVDB_DIR = fields.String(
        load_default=".devdb",
        metadata={
            "description": "Folder of the embedded server, relative to the working directory."
        },
    )
    DB_POOL_SIZE = Whole(
        load_default=4,
        validate=between(1, 100),
        metadata={
            "description": "Connections of one worker process. A gthread worker needs fewer than "
            "GUNICORN_THREADS, so that a thread is free to refuse."
        },
    )
    DB_STATEMENT_TIMEOUT_MS = Whole(
        load_default=500,
        validate=MILLISECONDS,
        metadata={"description": "A statement that runs longer is cancelled by PostgreSQL: 504."},
    )
    DB_CONNECT_TIMEOUT_MS = Whole(
        load_default=600,
        validate=CONNECTING,
        metadata={"description": "Time to connect to the database, all hosts of the URL together."},
    )
    DB_DEADLINE_MS = Whole(
        load_default=800,
        validate=CONNECTING,
        metadata={
            "description": "Longest time a statement waits for the database, connecting included, "
            "also when the database is frozen or its host is gone; waiting for one of the pool's "
            "connections comes before."
        },
    )
    DB_RETRY_PAUSE_MS = Whole(
        load_default=500,
        validate=MILLISECONDS,
        metadata={
            "description": "After a failed connection attempt, requests are answered 503 without "
            "another attempt for this long."
        },
    )
    PORT = Whole(
        load_default=8000,
        validate=between(1, 65535),
        metadata={"description": "Port that gunicorn listens on."},
    )
    BIND_ADDRESS = Address(
        load_default="127.0.0.1",
        metadata={"description": "Address that gunicorn listens on."},
    )
    GUNICORN_WORKERS = Whole(
        load_default=2,
        validate=between(1, 256),
        metadata={"description": "Worker processes of one host."},
    )
    GUNICORN_WORKER_CLASS = fields.String(
        load_default="greenlet",
        validate=one_of("greenlet", "gthread"),
        metadata={
            "description": "How a worker process serves its connections: greenlet, the service's "
            "own class, in one thread, a greenlet for each; gthread, gunicorn's, with a pool of "
            "threads."
        },
    )
    GUNICORN_THREADS = Whole(
        load_default=8,
        validate=between(2, 256),
        metadata={"description": "Threads of one worker process, if it is a gthread."},
    )
    RUN_DIR = fields.String(
        load_default=None,
        metadata={
            "description": "Folder of what a running host keeps: its counts, and the file by "
            "which `flask drain` finds it. Each host its own. Unset: a temporary one."
        },
    )
    DRAIN_SECONDS = Whole(
        load_default=2,
        validate=between(0, 60),
        metadata={
            "description": "How long `flask drain` waits for clients to leave their connections."
        },
    )

    CACHE_MAX_AGE = Whole(
        load_default=30,
        validate=SECONDS,
        metadata={"description": "Seconds for which caches may show an answer without asking."},
    )
    CACHE_STALE_WHILE_REVALIDATE = Whole(
        load_default=10,
        validate=SECONDS,
        metadata={"description": "Seconds beyond CACHE_MAX_AGE, while they ask."},
    )
    CACHE_STALE_IF_ERROR = Whole(
        load_default=600,
        validate=SECONDS,
        metadata={"description": "Seconds beyond CACHE_MAX_AGE, while the service fails."},
    )
    CORS_ORIGINS = Origins(
        load_default=frozenset({"*"}),
        metadata={
            "description": "Origins whose pages may read the answers, separated by spaces, as "
            "browsers send them: * for all, none for none."
        },
    )
    LOG_LEVEL = fields.String(
        load_default="info",
        validate=one_of("debug", "info", "warning", "error"),
        metadata={"description": "Minimum level that is logged; requests are logged apart."},
    )
    LOG_FORMAT = fields.String(
        load_default="json",
        validate=one_of("json", "text"),
        metadata={"description": "A JSON object a line, or text to read. On standard error."},
    )
    ACCESS_LOG = Switch(
        load_default=True,
        metadata={"description": "Whether each request is logged, on a line."},
    )
    METRICS = Switch(
        load_default=True,
        metadata={"description": "Whether requests and statements are counted for /metrics."},
    )

    @validates_schema
    def check_relations(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse values that contradict one another."""
        threaded = data["GUNICORN_WORKER_CLASS"] == "gthread"
        if threaded and data["DB_POOL_SIZE"] >= data["GUNICORN_THREADS"]:
            raise ValidationError(
                f"must be less than GUNICORN_THREADS ({data['GUNICORN_THREADS']}): otherwise no "
                "thread is left to answer what needs no database",
                "DB_POOL_SIZE",
            )
        if data["DB_STATEMENT_TIMEOUT_MS"] >= data["DB_DEADLINE_MS"]:
            raise ValidationError(
                f"must be less than DB_DEADLINE_MS ({data['DB_DEADLINE_MS']}), or a slow "
                "statement looks like a lost database",
                "DB_STATEMENT_TIMEOUT_MS",
            )


def host_and_port(settings: Mapping[str, Any]) -> str:
    """Return where gunicorn listens, as gunicorn and URLs write it: IPv6 in brackets."""
    address = settings["BIND_ADDRESS"]
    return f"{f'[{address}]' if ':' in address else address}:{settings['PORT']}"


def load_settings(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return every setting by its name, from `environ` (default: the process's environment).

    An empty variable counts as unset. Raises ConfigurationError.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in environ.items() if value != ""}
    schema = SettingsSchema()
    try:
        return schema.load(given, unknown=EXCLUDE)  # variables of others
    except ValidationError as error:
        lines = []
        for name, messages in sorted(error.messages_dict.items()):
            secret = schema.fields[name].metadata.get("secret")
            shown = "(hidden)" if secret else given.get(name, schema.fields[name].load_default)
            lines.append(f"{name}={shown}: {' '.join(messages)}")
        raise ConfigurationError("invalid configuration: " + "; ".join(lines)) from None


def find_misspelt(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence on each variable that looks like a setting and is none; never its value."""
    ours = list(SettingsSchema().fields)
    # a beginning that several settings share belongs to them all
    beginnings = Counter(name[: name.find("_") + 1] for name in ours)
    shared = tuple(beginning for beginning, count in beginnings.items() if beginning and count > 1)
    found = []
    for name in sorted(environ.keys() - set(ours) - FOREIGN):
        # one letter or underscore in ten: DATABASE_URI is meant for us, TEST_DATABASE_URL is not
        if close := difflib.get_close_matches(name.upper(), ours, n=1, cutoff=0.91):
            found.append(f"{name} is not a setting: is {close[0]} meant?")
        elif name.startswith(shared):
            found.append(f"{name} is not a setting (flask config lists them)")
    return found
