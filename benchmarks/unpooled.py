"""This service without its pool: a connection for each request. For `flask bench pool`.

gunicorn runs `benchmarks.unpooled:app`. It asks for styles only.
"""

from dataclasses import dataclass
from typing import Any

import products_service
from products_service.database import database
from products_service.database.checkouts import Checkouts
from products_service.database.pool import Pool
from products_service.database.sessions import Sessions
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


class Opener:
    """Stands for DBUtils' pool."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def connection(self) -> Opened:
        """Open a connection."""
        return Opened(self._sessions.open())


class NoPool(Pool):
    """Opens a connection for whoever takes one, and closes it afterwards."""

    def __init__(self, sessions: Sessions, size: int, **settings: Any) -> None:
        super().__init__(sessions, size, **settings)
        self._checkouts = Checkouts(Opener(sessions), size * MOST)  # type: ignore[arg-type]

    def warm_up(self, seconds: float) -> None:
        """Open nothing beforehand."""


database.Pool = NoPool  # type: ignore[misc]
# what lives for one statement prepares no others
alone = AskedAlone(**vars(products_service.STATEMENTS[STATEMENT]))
products_service.STATEMENTS = {STATEMENT: alone}
app = products_service.create_app()
