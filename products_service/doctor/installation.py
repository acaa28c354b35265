"""What is examined: the settings, the sessions that they lead to, and what should be there."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from products_service.database_urls import database_url, named_by, running_database
from products_service.doctor.connection import NotAllowedError, Session, UnreachableError
from products_service.doctor.findings import FailError, SkipError, fail
from products_service.embedded import EmbeddedError


@dataclass(frozen=True)
class Expected:
    """What the installation should be like, as far as its settings do not say.

    `tables` and `references` (table, column, the table it refers to) are those that a load fills,
    `indexes` those that it builds: each with its table. `statement_timeout` (ms) is the longest
    that a load allows for on standbys. `migrations` is their folder, `hosts` how many hosts the
    fleet has.
    """

    tables: tuple[str, ...]
    references: tuple[tuple[str, str, str], ...]
    indexes: Mapping[str, str]
    statement_timeout: int
    migrations: Path
    hosts: int


@dataclass
class Installation:
    """The installation under examination.

    A session is opened when first asked for, one for all purposes that have the same URL. A check
    asks for the service's by what it needs: `reached`, `migrated` or `loaded`.
    """

    settings: Mapping[str, Any]
    expected: Expected
    _stack: ExitStack
    _sessions: dict[str, Session | UnreachableError] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def service(self) -> Session:
        """Return the service's own session. Raises UnreachableError."""
        return self._session("app")

    def reached(self) -> Session:
        """Return the service's own session. Raises SkipError where it is not to be had."""
        try:
            return self.service()
        except UnreachableError:
            raise SkipError("the database cannot be reached") from None

    def migrated(self) -> Session:
        """Return the service's own session. Raises SkipError where there is no catalogue yet."""
        session = self.reached()
        (migrated,) = session.row("find_catalogue")
        if not migrated:
            raise SkipError("the database is not migrated")
        return session

    def load_number(self) -> int:
        """Return the number of the served load, 0 for none. Raises SkipError as migrated does."""
        try:
            (number,) = self.migrated().row("get_load")
        except NotAllowedError:
            raise SkipError("the service's role may not read the catalogue") from None
        return number

    def loaded(self) -> Session:
        """Return the service's own session. Raises SkipError where nothing was loaded yet."""
        if self.load_number() == 0:
            raise SkipError("no load was published")
        return self.reached()

    def session(self, purpose: str) -> Session:
        """Return the session for one of database_urls.PURPOSES that is not the service's.

        Raises FailError where it is not to be had, but SkipError where that was told before or the
        service's own is not to be had either.
        """
        try:
            return self._session(purpose)
        except UnreachableError as error:
            self.reached()
            name = named_by(self.settings, purpose) or "the embedded server"
            if purpose in self._told:
                raise SkipError(f"{name} does not let us in") from None
            self._told.add(purpose)
            raise FailError(
                fail(f"{name}: {error}", "are address, role and password right?")
            ) from None

    def _session(self, purpose: str) -> Session:
        if purpose not in self._sessions:
            self._sessions[purpose] = self._open(purpose)
        found = self._sessions[purpose]
        if isinstance(found, UnreachableError):
            raise found
        return found

    def _open(self, purpose: str) -> Session | UnreachableError:
        try:
            if not self._sessions:
                # the embedded server, if it is that, runs from here on
                self._stack.enter_context(running_database(self.settings, "app"))
            url = database_url(self.settings, purpose)
            for other, found in self._sessions.items():
                if url == database_url(self.settings, other):
                    return found
            session = Session(url)
        except UnreachableError as error:
            return error
        except (EmbeddedError, OSError) as error:
            return UnreachableError(str(error))
        self._stack.callback(session.close)
        return session


@contextmanager
def installed(settings: Mapping[str, Any], expected: Expected) -> Iterator[Installation]:
    """Yield the installation; its sessions end with the block."""
    with ExitStack() as stack:
        yield Installation(settings, expected, stack)
