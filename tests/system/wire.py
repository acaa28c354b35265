"""HTTP as bytes on a connection, for what a client library would not send or would not show."""

import socket
from typing import NamedTuple, Self

from tests.waiting import HANG


class Message(NamedTuple):
    """An answer; `body` is decoded when it came in chunks."""

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
        self._held, self._at = bytearray(), 0  # what has come, and how much of it is read

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
        del self._held[: self._at]
        self._at = 0
        self._held += data
        return bool(data)

    def _until(self, end: bytes) -> bytes:
        while (found := self._held.find(end, self._at)) < 0:
            assert self._more(), f"closed after {self._held!r}"
        taken = self._take(found - self._at)
        self._at += len(end)
        return taken

    def _take(self, count: int) -> bytes:
        while len(self._held) - self._at < count:
            assert self._more(), f"closed after {self._held!r}"
        self._at += count
        return bytes(self._held[self._at - count : self._at])

    def read(self, bodiless: bool = False) -> Message:
        """Return the next answer."""
        line, *fields = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = dict(field.split(": ", 1) for field in fields)
        if bodiless or line.split(" ")[1] == "100":
            body = b""
        elif headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self._until(b"\r\n"), 16):
                chunks.append(self._take(size))
                assert self._take(2) == b"\r\n"
            assert self._take(2) == b"\r\n"
            body = b"".join(chunks)
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
        return self._take(len(self._held))

    def is_closed(self) -> bool:
        """Whether the other side has closed, with nothing left to read. Waits for either."""
        return self._at == len(self._held) and not self._more()
