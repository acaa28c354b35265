"""What PostgreSQL's error codes mean for who asked.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import psycopg2
from psycopg2 import errorcodes

TIMED_OUT = errorcodes.QUERY_CANCELED
OUT_OF_RESOURCES = errorcodes.CLASS_INSUFFICIENT_RESOURCES
# On a standby: the statement was in the way of changes that could wait no longer.
_IN_THE_WAY = errorcodes.SERIALIZATION_FAILURE
# After which a connection is lost; without a code, the socket is, which is how psycopg2 reports
# most losses under a wait callback: it has the codes from a pooler in between.
_LOST = (
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
    errorcodes.CANNOT_CONNECT_NOW,
    errorcodes.IDLE_SESSION_TIMEOUT,
    errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
)
# What psycopg2 says itself, without PostgreSQL and so without a code, of what cannot be sent.
_DEFECTS = psycopg2.ProgrammingError, psycopg2.DataError, psycopg2.NotSupportedError


def may_succeed_elsewhere(error: psycopg2.Error) -> bool:
    """Whether the statement may get an answer on another connection, or from another server.

    The connection was lost; or a standby puts its changes before the statement: its lag is what
    makes it do so, and it would again.
    """
    code = error.pgcode
    if code is None:
        return not isinstance(error, _DEFECTS)
    return (
        code.startswith(errorcodes.CLASS_CONNECTION_EXCEPTION)
        or code in _LOST
        or code == _IN_THE_WAY
    )
