"""Who is told what the data layer does: metrics, the log's times, benchmarks."""

from products_service.database.errors import DatabaseError


class Observer:
    """Is told what a Database does. Nothing by itself: the base of those that count and time."""

    def taken(self) -> None:
        """A connection of the pool is in use."""

    def returned(self) -> None:
        """It no longer is."""

    def answered(self, statement: str, seconds: float, load_number: int) -> None:
        """A statement got its answer; `seconds` include getting the connection."""

    def failed(self, statement: str, seconds: float, error: DatabaseError) -> None:
        """A statement got none."""
