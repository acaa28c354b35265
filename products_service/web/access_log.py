"""One line a request on standard error: which, what became of it, how long it took.

The line is put together and written directly: through `logging` it would cost three times as
much, on every request. What else is logged goes through `logging`, in the same
forms (logs.py).
"""

import os
import select
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote

from products_service.web.edge import Exchange, ExchangeObserver

STDERR = 2
# A pipe takes so many bytes in one piece: lines of several workers do not mix.
ATOMIC = select.PIPE_BUF
# So a line is shorter.
LONGEST_PATH = 600  # characters, of which JSON may make six each
# Statuses of answers without a body, whatever their headers say of one.
NO_BODY = (204, 304)


def logger(form: str) -> ExchangeObserver:
    """Return what logs exchanges: `form` is json or text."""
    to_line = {"json": to_json, "text": to_text}[form]
    return lambda exchanges: write(map(to_line, exchanges))


def to_json(exchange: Exchange) -> str:
    """Return the request as a JSON object: times in milliseconds, the body's size in bytes."""
    route = quote(exchange.route) if exchange.route else "null"
    return (
        f'{{"timestamp":"{timestamp(exchange.ended_at)}","level":"info","event":"request"'
        f',"request_id":"{exchange.request_id}"'
        f',"method":{quote(exchange.environ["REQUEST_METHOD"])}'
        f',"path":{quote(path_of(exchange))},"route":{route}'
        f',"status":{exchange.status},"bytes":{size_of(exchange)}'
        f',"duration_ms":{exchange.seconds * 1000:.3f}'
        f',"statement_ms":{exchange.statement_seconds * 1000:.3f}}}'
    )


def to_text(exchange: Exchange) -> str:
    """Return the same to read."""
    return (
        f"{timestamp(exchange.ended_at)} {exchange.environ['REQUEST_METHOD']} {path_of(exchange)!a}"
        f" {exchange.status} {size_of(exchange)} bytes {exchange.seconds * 1000:.3f} ms"
        f" (statement {exchange.statement_seconds * 1000:.3f} ms) {exchange.request_id}"
    )


def timestamp(nanoseconds: int) -> str:
    """Return the time so long after 1970, UTC, to the millisecond."""
    second, milliseconds = divmod(nanoseconds // 1_000_000, 1000)
    return f"{_beginning(second)}.{milliseconds:03d}+00:00"


@lru_cache(maxsize=1)
def _beginning(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def path_of(exchange: Exchange) -> str:
    """Return the path with its query as it was sent, no longer than the log takes."""
    return exchange.environ["RAW_URI"][:LONGEST_PATH]


def size_of(exchange: Exchange) -> str:
    """Return the body's size in bytes; null where it is not known before it is sent."""
    if exchange.environ["REQUEST_METHOD"] == "HEAD" or exchange.status in NO_BODY:
        return "0"
    for name, value in exchange.headers:
        if name == "Content-Length":
            return value
    return "null"


def write(lines: Iterable[str]) -> None:
    """Write lines, as many at a time as go into a pipe in one piece."""
    piece = ""
    for line in lines:
        if piece and len(piece) + len(line) + 1 > ATOMIC:
            _write(piece)
            piece = ""
        piece += f"{line}\n"
    if piece:
        _write(piece)


def _write(piece: str) -> None:
    """Write it at once; a reader that has gone away is no reason to fail a request."""
    with suppress(OSError):
        os.write(STDERR, piece.encode())
