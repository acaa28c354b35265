"""What can go wrong with the database, and who is told what it does."""


class DatabaseError(Exception):
    """The database did not answer; the message is for the log, never for a client."""

    kind: str  # how it is called in metrics and in the log


class DatabaseBusyError(DatabaseError):
    """Every connection of the pool is in use."""

    kind = "busy"


class DatabaseUnreachableError(DatabaseError):
    """No connection could be had, or the one in use was lost and could not be replaced."""

    kind = "unreachable"


class DatabaseTimeoutError(DatabaseError):
    """The database did not answer in time. Nothing is run again for that."""

    kind = "timeout"


class StatementError(DatabaseError):
    """PostgreSQL refused the statement: a defect, or a database that is not migrated."""

    kind = "defect"


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
