"""HTTP as bytes on a connection, for what a client library would not send or would not show."""

import socket
from typing import NamedTuple, Self

from tests.system.service import HANG


class Message(NamedTuple):
    """An answer; `body` is decoded when it came in chunks, `seconds` are not counted."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])


class Wire:
    """A connection to a port of this machine."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(HANG)
        self.socket.connect(("127.0.0.1", port))
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, path: str, *fields: str, method: str = "GET") -> None:
        """Send a request without a body."""
        self.send("\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *fields, "\r\n"]).encode())

    def _more(self) -> bool:
        data = self.socket.recv(65536)
        self._held += data
        return bool(data)

    def _until(self, end: bytes) -> bytes:
        while end not in self._held:
            assert self._more(), f"closed after {self._held!r}"
        found, _, self._held = self._held.partition(end)
        return found

    def _take(self, count: int) -> bytes:
        while len(self._held) < count:
            assert self._more(), f"closed after {self._held!r}"
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def read(self, bodiless: bool = False) -> Message:
        """Return the next answer."""
        line, *fields = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = dict(field.split(": ", 1) for field in fields)
        if bodiless or line.split(" ")[1] == "100":
            body = b""
        elif headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._take(size)
                assert self._take(2) == b"\r\n"
            assert self._take(2) == b"\r\n"
        elif "Content-Length" in headers:
            body = self._take(int(headers["Content-Length"]))
        else:
            body = self.rest()
        return Message(line, headers, body)

    def ask(self, path: str, *fields: str, method: str = "GET") -> Message:
        """Send a request without a body and return its answer."""
        self.get(path, *fields, method=method)
        return self.read(bodiless=method == "HEAD")

    def rest(self) -> bytes:
        """Return all that comes until the other side closes."""
        while self._more():
            pass
        held, self._held = self._held, b""
        return held

    def is_closed(self) -> bool:
        """Whether the other side has closed, with nothing left to read. Waits for either."""
        return not self._held and not self._more()
