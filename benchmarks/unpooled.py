"""This service without its pool: a connection for each request. For `flask bench pool`.

gunicorn runs `benchmarks.unpooled:app`. It asks for styles only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import products_service
from products_service.database import Database, Row
from products_service.database.events import DatabaseBusyError
from products_service.database.turns import Turns
from products_service.statements import Statement

STATEMENT = "get_styles"
MOST = 4  # connections where the pool has one, since each takes longer to be had


class AskedAlone(Statement):
    """A statement that a connection does not prepare for several products as well."""

    for_each = None


@dataclass
class Opened:
    """A connection as a pool lends it, but closed when it is given back."""

    dbapi_connection: Any

    def close(self) -> None:
        """Close it."""
        self.dbapi_connection.close()


class UnpooledDatabase(Database):
    """Opens a connection when it is asked something, and closes it afterwards."""

    def __init__(self, url: str, statements: Mapping[str, Statement], **settings: Any):
        # what lives for one statement prepares no others
        alone = AskedAlone(**vars(statements[STATEMENT]))
        super().__init__(url, {STATEMENT: alone}, **settings)
        size = settings["pool_size"] * MOST
        self._turns = Turns(lambda: Opened(self._sessions.open()), DatabaseBusyError, size)

    def _fetch(self, statement: Statement, parameters: Mapping[str, Any]) -> Row:
        """Ask for each request alone."""
        values = [parameters[name] for name, _ in statement.parameters]
        return self._ask(lambda: (statement, values))[0]

    def warm_up(self) -> None:
        """Open nothing beforehand."""


products_service.Database = UnpooledDatabase  # type: ignore[misc]
app = products_service.create_app()
