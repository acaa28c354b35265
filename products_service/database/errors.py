"""What can go wrong with the database."""


class DatabaseError(Exception):
    """The database did not answer; the message is for the log, never for a client."""

    kind: str  # how it is called in metrics and in the log


class DatabaseBusyError(DatabaseError):
    """Every connection of the pool is in use."""

    kind = "busy"


class DatabaseUnreachableError(DatabaseError):
    """No session could be had, or the one in use was lost and could not be replaced.

    Nor can one where the statements cannot be prepared, as in a database that is not migrated.
    """

    kind = "unreachable"


class DatabaseTimeoutError(DatabaseError):
    """The database did not answer in time. Nothing is run again for that."""

    kind = "timeout"


class StatementError(DatabaseError):
    """PostgreSQL refused the statement: a defect."""

    kind = "defect"
