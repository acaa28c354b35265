"""A response on its way from a WSGI application to a client, in as few pieces as it can be sent."""

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal

from gunicorn import SERVER
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName
from gunicorn.http.message import TOKEN_RE, Request
from gunicorn.http.wsgi import HEADER_VALUE_RE, STATUS_RE
from gunicorn.util import is_hoppish

from products_service.serving.client import Client

Headers = list[tuple[str, str]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]


class Response:
    """Writes status, headers and body as PEP 3333 wants them; `status` as the application gave it.

    `close` says whether the connection ends with this answer.
    """

    def __init__(self, client: Client, request: Request) -> None:
        self._client = client
        self._request = request
        self._fields = ""
        self._left: int | None = None  # bytes of the body; None: the application does not tell
        self._bodiless = False
        self._chunked = False
        self.status: str | None = None
        self.begun = False
        self.close = request.should_close()

    def start_response(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Any:
        """Take status and headers; return `write`.

        Raises ValueError, InvalidResponseHeader or InvalidResponseHeaderName for what would
        be another message on the wire than the application meant.
        """
        if exc_info:
            try:
                if self.begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # it refers to this frame
        elif self.status is not None:
            raise AssertionError("start_response was called twice")
        code = _code(status)
        self._bodiless = self._request.method == "HEAD" or code in (204, 304) or code < 200
        self._take(headers, without_length=code == 204 or code < 200)
        self._chunked = self._left is None and not self._bodiless and self._request.version > (1, 0)
        self.status = status
        return self.write

    def _take(self, headers: Headers, without_length: bool) -> None:
        self._left = None
        fields = []
        for name, value in headers:
            kind = _kind(name)
            if kind == "length":
                self._left = int(value)
                if without_length:
                    continue
            elif kind == "hop":  # those are between us and the client
                continue
            fields.append(f"{name}: {value}\r\n")
        # all at once, which costs a quarter; one by one only to say which
        if not HEADER_VALUE_RE.fullmatch("".join([value for _, value in headers])):
            wrong = [name for name, value in headers if not HEADER_VALUE_RE.fullmatch(value)]
            raise InvalidResponseHeader(repr(wrong))
        self._fields = "".join(fields)

    def write(self, data: bytes) -> None:
        """Send a part of the body, after the head if it is the first."""
        if not isinstance(data, bytes):
            raise TypeError(f"{data!r} is not bytes")
        if self._bodiless:
            data = b""
        elif self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        elif self._chunked and data:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        if not self.begun:
            data = self._begin() + data
        if data:
            self._client.sendall(data)

    def _begin(self) -> bytes:
        """Return the head."""
        if self.status is None:
            raise AssertionError("start_response was not called")
        self.begun = True
        request = self._request
        if self._left is None and not self._chunked and not self._bodiless:
            self.close = True  # which is what tells the client where the body ends
        connection = "close" if self.close else "keep-alive"
        coding = "Transfer-Encoding: chunked\r\n" if self._chunked else ""
        return (
            f"HTTP/{request.version[0]}.{request.version[1]} {self.status}\r\n"
            f"Server: {SERVER}\r\nDate: {_date(int(time.time()))}\r\n"
            f"Connection: {connection}\r\n{coding}{self._fields}\r\n"
        ).encode("latin-1")

    def send(self, parts: Iterable[bytes]) -> None:
        """Send all parts of the body, and its end."""
        for part in parts:
            if part or self.begun:
                self.write(part)
                if self._left == 0 or self._bodiless:
                    break
                self._client.pause()
        if not self.begun:
            self.write(b"")
        if self._chunked:
            self._client.sendall(b"0\r\n\r\n")
        elif self._left and not self._bodiless:
            self.close = True  # the client waits for more than there was


# The application uses few names and statuses, and always the same.


@lru_cache(maxsize=256)
def _kind(name: str) -> Literal["length", "hop", "field"]:
    if not TOKEN_RE.fullmatch(name):
        raise InvalidResponseHeaderName(repr(name))
    if name.lower() == "content-length":
        return "length"
    return "hop" if is_hoppish(name) else "field"


@lru_cache(maxsize=64)
def _code(status: str) -> int:
    if not STATUS_RE.fullmatch(status):
        raise ValueError(f"Invalid status {status!r}")
    return int(status[:3])


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
