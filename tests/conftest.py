"""A real PostgreSQL for the tests, databases cloned from a template, and the application."""

import os

# Tests read this environment and hand it on to what they start: what a developer has set for a
# service or a server of their own is to change nothing. The names of settings follow below, since
# some of this is read by what has to be imported for them.
BEGINNINGS = ("DB_", "CACHE_", "LOG_", "GUNICORN_", "FLASK_", "PG")
OTHERS = {"FORWARDED_ALLOW_IPS", "PROMETHEUS_MULTIPROC_DIR", "SCRIPT_NAME"}
for name in list(os.environ):
    if name.startswith(BEGINNINGS) or name in OTHERS:
        del os.environ[name]
os.environ["FLASK_SKIP_DOTENV"] = "1"

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from pytest_postgresql.janitor import DatabaseJanitor

from products_service import create_app
from products_service.commands.migrate import migrate
from products_service.config import SettingsSchema, load_settings
from tests.servers import Server, throwaway

for name in SettingsSchema().fields:
    os.environ.pop(name, None)

# For what waits and is to wait still when a test looks, and for what a busy machine is slow to
# answer: the bounds on time have tests of their own.
PATIENT = {
    "DB_STATEMENT_TIMEOUT_MS": "30000",
    "DB_CONNECT_TIMEOUT_MS": "30000",
    "DB_DEADLINE_MS": "40000",
}

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would every program
# that they start: but some are to be interrupted by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# However slow the machine is, and the same examples each time: a commit that passed passes again.
# Examples of one test share its database, as they are meant to: what one leaves is what the next
# one replaces, or only reads.
settings.register_profile(
    "patient",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("patient")

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all tests that do it no harm."""
    with throwaway() as running:
        yield running


def janitor(server: Server, name: str, template: str | None = None) -> DatabaseJanitor:
    """Return what makes and drops a database of that name."""
    return DatabaseJanitor(
        user=server.superuser,
        host=str(server.sockets),
        port=server.port,
        dbname=name,
        template_dbname=template,
        connection_timeout=5,
    )


class Database:
    """A migrated database of its own, and its URLs for each of the service's roles."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name

    @property
    def app(self) -> str:
        return self.server.url("products_app", self.name)

    @property
    def etl(self) -> str:
        return self.server.url("products_etl", self.name)

    @property
    def admin(self) -> str:
        return self.server.url(self.server.superuser, self.name)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a command to this database."""
        return {
            "DATABASE_URL": self.app,
            "ETL_DATABASE_URL": self.etl,
            "MIGRATIONS_DATABASE_URL": self.admin,
        }


def migrated(server: Server, name: str = "products") -> Database:
    """Return a new database of a server, migrated."""
    janitor(server, name).init()
    database = Database(server, name)
    migrate(database.admin, MIGRATIONS, "up")
    return database


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """The name of a migrated database to clone."""
    return migrated(server, "template_products").name


@pytest.fixture(scope="session")
def clone(server: Server, template: str) -> Callable[[], Database]:
    """Makes migrated databases, which end with the server."""
    numbers = count(1)

    def make() -> Database:
        name = f"products_{next(numbers)}"
        janitor(server, name, template).init()
        with closing(psycopg2.connect(server.url(database=name))) as admin, admin:
            # A clone has all but the grants on the database itself.
            admin.cursor().execute(f"GRANT CREATE ON DATABASE {name} TO products_owner")
        return Database(server, name)

    return make


@pytest.fixture
def database(clone: Callable[[], Database]) -> Database:
    """A migrated database for one test."""
    return clone()


@pytest.fixture(scope="module")
def shared_database(clone: Callable[[], Database]) -> Database:
    """A migrated database for the tests of a module."""
    return clone()


def make_app(database: Database, **settings: str) -> Flask:
    """Return the application on a database; patient, unless its settings say otherwise."""
    return create_app(load_settings(database.environment | PATIENT | settings))


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    """The application on the test's own database."""
    app = make_app(database)
    yield app
    app.extensions["database"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application, in this process."""
    return app.test_client()


@pytest.fixture
def reports() -> Iterator[Path]:
    """A folder for a load's report."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
