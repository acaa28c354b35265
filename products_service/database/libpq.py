"""libpq's pipeline mode: a statement is sent before those sent earlier have been answered.

psycopg2 has no way to it; for what it does not do itself it hands out `pgconn_ptr`, to be given to
libpq's own functions by ctypes (https://www.psycopg.org/docs/connection.html). They are asked of
the library that psycopg2 has loaded, none of them waits, and the interpreter's lock is kept.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import ctypes
import select
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
from psycopg2 import _psycopg

_LIBRARY = ctypes.PyDLL(_psycopg.__file__)
_TEXT, _NUMBER, _POINTER = ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
# ConnStatusType, ExecStatusType
_CONNECTION_OK = 0
_SUCCEEDED = 1, 2  # PGRES_COMMAND_OK, PGRES_TUPLES_OK
_PIPELINE_SYNC = 10
# PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY
_SQLSTATE, _PRIMARY = ord("C"), ord("M")

# Of a row in a result, each value as text; None for NULL.
Values = tuple[bytes | None, ...]


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    try:
        function = getattr(_LIBRARY, name)
    except AttributeError:
        raise ImportError(
            "psycopg2 was built with a libpq from before PostgreSQL 14: install psycopg2-binary"
        ) from None
    function.restype, function.argtypes = result, arguments
    return function


_enter = _function("PQenterPipelineMode", _NUMBER, _POINTER)
_leave = _function("PQexitPipelineMode", _NUMBER, _POINTER)
_send = _function(
    "PQsendQueryPrepared",
    _NUMBER,
    _POINTER,  # the connection
    _TEXT,  # the statement's name
    _NUMBER,  # how many values
    _POINTER,  # the values
    _POINTER,  # their lengths
    _POINTER,  # their formats
    _NUMBER,  # the rows' format
)
_send_text = _function(
    "PQsendQueryParams",
    _NUMBER,
    _POINTER,  # the connection
    _TEXT,  # the statement
    _NUMBER,  # how many values
    _POINTER,  # their types
    _POINTER,  # the values
    _POINTER,  # their lengths
    _POINTER,  # their formats
    _NUMBER,  # the rows' format
)
_sync = _function("PQpipelineSync", _NUMBER, _POINTER)
_flush = _function("PQflush", _NUMBER, _POINTER)
_consume = _function("PQconsumeInput", _NUMBER, _POINTER)
_is_busy = _function("PQisBusy", _NUMBER, _POINTER)
_connection_status = _function("PQstatus", _NUMBER, _POINTER)
_message = _function("PQerrorMessage", _TEXT, _POINTER)
_result = _function("PQgetResult", _POINTER, _POINTER)
_status = _function("PQresultStatus", _NUMBER, _POINTER)
_error_field = _function("PQresultErrorField", _TEXT, _POINTER, _NUMBER)
_error_message = _function("PQresultErrorMessage", _TEXT, _POINTER)
_rows = _function("PQntuples", _NUMBER, _POINTER)
_columns = _function("PQnfields", _NUMBER, _POINTER)
_value = _function("PQgetvalue", _TEXT, _POINTER, _NUMBER, _NUMBER)
_is_null = _function("PQgetisnull", _NUMBER, _POINTER, _NUMBER, _NUMBER)
_clear = _function("PQclear", None, _POINTER)


class PipelineError(psycopg2.OperationalError):
    """What PostgreSQL answered instead of rows; without a code, what libpq says."""

    pgcode: str | None = None


class Pipeline:
    """A session of psycopg2's in pipeline mode, until `leave`: nothing else may be done with it.

    It must be one whose socket does not block, as where psycopg2 has a wait callback, and of which
    nothing is under way. Raises PipelineError.
    """

    def __init__(self, session: psycopg2.extensions.connection) -> None:
        self._connection = session.pgconn_ptr
        self._check(_enter(self._connection))

    def leave(self) -> None:
        """Make it an ordinary session again, once all that was sent is received."""
        self._check(_leave(self._connection))

    def send(self, statement: bytes, values: Sequence[bytes]) -> None:
        """Send a prepared statement, which is a transaction of its own, with values as text.

        It must fit into the socket's buffer, which holds hundreds of kilobytes. Where that fails,
        libpq may have closed the socket, whoever waits for it.
        """
        connection, count = self._connection, len(values)
        texts = (_TEXT * count)(*values)
        self._check(_send(connection, statement, count, texts, None, None, 0))
        self._check(_sync(connection))
        self._check(_flush(connection) == 0)

    def run(self, texts: Sequence[bytes], wait: Callable[[int], None]) -> None:
        """Execute statements that return no rows, each a transaction, sent before any is answered.

        `wait(events)` returns when the socket is ready for them, by select's names. After an error
        the session can only be closed.
        """
        for text in texts:
            self._check(_send_text(self._connection, text, 0, None, None, None, None, 0))
            self._check(_sync(self._connection))
        while (unsent := _flush(self._connection)) > 0:
            wait(select.POLLOUT)
        self._check(unsent == 0)

        def readable() -> None:
            wait(select.POLLIN)

        for _ in texts:
            self.receive(readable)

    def receive(self, wait: Callable[[], None]) -> list[Values]:
        """Return the rows of what was sent first, of what is not received yet.

        `wait` returns when there is something to be read.
        """
        result = self._next(wait)
        try:
            error = None if _status(result) in _SUCCEEDED else self._error(result)
            rows = [] if error else _values(result)
        finally:
            _clear(result)
        try:
            self._receive_end(wait)
        except PipelineError as lost:
            raise error or lost from None
        if error:
            raise error
        return rows

    def _receive_end(self, wait: Callable[[], None]) -> None:
        self._check(_result(self._connection) is None)
        result = self._next(wait)
        is_end = _status(result) == _PIPELINE_SYNC
        _clear(result)
        self._check(is_end)

    def _next(self, wait: Callable[[], None]) -> int:
        connection = self._connection
        while _is_busy(connection):
            # sending may have found the connection lost, and then its socket is closed
            self._check(_connection_status(connection) == _CONNECTION_OK)
            wait()
            self._check(_consume(connection))
        result = _result(connection)
        self._check(result)
        return result

    def _check(self, succeeded: Any) -> None:
        if not succeeded:
            raise PipelineError(_message(self._connection).decode("utf-8", "replace").strip())

    def _error(self, result: int) -> PipelineError:
        message = _error_field(result, _PRIMARY) or _error_message(result)
        error = PipelineError(message.decode("utf-8", "replace").strip())
        code = _error_field(result, _SQLSTATE)
        error.pgcode = code and code.decode("ascii")
        return error


def _values(result: int) -> list[Values]:
    columns = range(_columns(result))
    return [
        tuple(
            [
                # NULL is an empty text, which is what hardly any value is
                _value(result, row, column) or (None if _is_null(result, row, column) else b"")
                for column in columns
            ]
        )
        for row in range(_rows(result))
    ]
