"""A client's connection, on which only the client's own greenlet waits."""

import math
import socket
from contextlib import suppress

from products_service.serving.hub import READABLE, WRITABLE, Hub

CHUNK = 8192
# What a client may still send that nobody reads, until it has seen that we are done with it.
LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024


class GoneError(ConnectionError):
    """Nothing more can be sent to the client, or be had from it."""


class TooSlowError(GoneError):
    """The client did not send or take something in time."""


class Client:
    """As much of a socket as gunicorn's parser asks for.

    Waiting ends at `deadline`, by time.monotonic, which may be moved meanwhile.
    """

    def __init__(self, hub: Hub, connection: socket.socket) -> None:
        # TCP_NODELAY it has from the listener, to which gunicorn gives it.
        connection.setblocking(False)
        self._hub = hub
        self._connection = connection
        self.fd = connection.fileno()
        self.deadline = math.inf

    def recv(self, size: int) -> bytes:
        """Return what has come, at most `size` bytes; none when the client sends no more.

        Raises GoneError.
        """
        while True:
            if not self._hub.wait(self.fd, READABLE, self.deadline):
                raise TooSlowError("the client sent nothing in time")
            try:
                return self._connection.recv(size)
            except BlockingIOError:
                pass  # somebody woke us
            except OSError as error:
                raise GoneError(str(error)) from error

    def sendall(self, data: bytes) -> None:
        """Send all of it. Raises GoneError."""
        while True:
            try:
                sent = self._connection.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise GoneError(str(error)) from error
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            if not self._hub.wait(self.fd, WRITABLE, self.deadline):
                raise TooSlowError("the client took nothing in time")

    def pause(self) -> None:
        """Let others go on first."""
        self._hub.pause()

    def gettimeout(self) -> float:
        """Say that we do not block, as gunicorn.util.write_nonblock asks."""
        return 0.0

    def close_politely(self) -> None:
        """Close so that the client gets all that was sent, also while it is still sending itself.

        Closing with something unread resets the connection, and an answer may be lost
        on the way (RFC 9112, section 9.6).
        """
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self.deadline = self._hub.now + LINGER_SECONDS
            left = LINGER_BYTES
            while left > 0 and (data := self.recv(CHUNK)):
                left -= len(data)
        self.close()

    def close(self) -> None:
        """Close at once."""
        self._connection.close()
