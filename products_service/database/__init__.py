"""The data layer: a statement's way to PostgreSQL, and what can go wrong on it (errors.py)."""

from products_service.database.database import Database, Row

__all__ = ["Database", "Row"]
