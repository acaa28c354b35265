"""The data layer: a statement's way to PostgreSQL, and what can go wrong on it."""

from products_service.database.database import Database, Row
from products_service.database.events import (
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUnreachableError,
    Observer,
    StatementError,
)

__all__ = [
    "Database",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseTimeoutError",
    "DatabaseUnreachableError",
    "Observer",
    "Row",
    "StatementError",
]
