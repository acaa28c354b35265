"""One client's requests and their answers, one after the other, until one side has had enough."""

from typing import TYPE_CHECKING

from gunicorn import util
from gunicorn.http.body import Body
from gunicorn.http.errors import (
    InvalidHeader,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
    ParseException,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader
from gunicorn.http.wsgi import FileWrapper

from products_service.database import checkouts
from products_service.serving.client import CHUNK, LINGER_SECONDS, Client, GoneError, TooSlowError
from products_service.serving.environ import Address, Environments, connection_environ
from products_service.serving.requests import END_OF_HEAD, END_OF_LINE, Requests
from products_service.serving.response import Response

if TYPE_CHECKING:
    from products_service.serving.worker import GreenletWorker

# A request has to be here whole so long after its first byte; and that byte, on a new
# connection, so long after the connection.
REQUEST_SECONDS = 10.0
# An answer has to be taken so long after the application made it.
ANSWER_SECONDS = 60.0
# Of a request line and fields; gunicorn's own limits are on each of them.
HEAD_BYTES = 64 * 1024
# What is read of a body that the application did not want, to get at the next request.
DISCARD_BYTES = 64 * 1024
FILE_CHUNK = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Conversation:
    """Runs in a greenlet of its own, so it may wait anywhere without holding up others."""

    def __init__(
        self, worker: "GreenletWorker", client: Client, address: Address, server: Address
    ) -> None:
        self._worker = worker
        self._hub = worker.hub
        self._client = client
        self._address = address
        self._settings = worker.settings_for(address[0])
        self._environments = Environments(connection_environ(worker.environ, address, server))
        self._unreader = SocketUnreader(client, CHUNK)
        self._requests = Requests(self._settings, self._unreader, address)
        self._idle = False

    def run(self) -> None:
        """Serve until the connection is closed."""
        idle_seconds = REQUEST_SECONDS
        try:
            while (request := self._receive(idle_seconds)) and self._serve(request):
                idle_seconds = self._settings.keepalive
        except GoneError as error:
            self._worker.log.debug("A client is gone: %s", error)
        except Exception:
            self._worker.log.exception("A conversation failed")
        finally:
            self._client.close()
            self._worker.forget(self)

    def hurry(self) -> None:
        """Close the connection soon, unless a request comes."""
        if self._idle:
            soon = self._hub.now + LINGER_SECONDS
            self._client.deadline = min(self._client.deadline, soon)
            self._hub.wake(self._client.fd)

    def _receive(self, idle_seconds: float) -> Request | None:
        """Return the next request, its body still to be read; None when there is none."""
        try:
            head = self._receive_head(idle_seconds)
            if not head:
                return None
            return self._requests.parse(head)
        except NoMoreData:
            return None
        except TooSlowError:
            util.write_error(self._client, 408, "Request Timeout", "")
        except ParseException as error:
            self._worker.handle_error(None, self._client, self._address, error)
        self._client.close_politely()
        return None

    def _receive_head(self, idle_seconds: float) -> bytes:
        """Return what has come, the whole of a head at least; nothing if nobody wants anything.

        Only then is it parsed: so what comes in drops costs no more than its bytes.
        """
        head = self._unreader.take_buffered()
        if END_OF_LINE.startswith(head):
            head = self._receive_first(idle_seconds, head)
        else:
            self._hub.pause()  # or who sends many at once would be served before all others
        self._client.deadline = self._hub.now + REQUEST_SECONDS
        return head if END_OF_HEAD in head else self._receive_rest(head)

    def _receive_rest(self, head: bytes) -> bytes:
        """Return what has come of a head, once it is whole; nothing if it does not come."""
        looked_at = 0
        while head and head.find(END_OF_HEAD, max(looked_at - 3, 0)) < 0:
            if head.count(b"\n", looked_at) != head.count(END_OF_LINE, max(looked_at - 1, 0)):
                raise InvalidHeader("bare LF as line terminator")
            if len(head) >= HEAD_BYTES:
                if END_OF_LINE in head:
                    raise LimitRequestHeaders("the head is too long")
                raise LimitRequestLine(len(head), HEAD_BYTES)
            looked_at = len(head)
            more = self._client.recv(min(CHUNK, HEAD_BYTES - len(head)))
            head = more and head + more
        return head

    def _receive_first(self, idle_seconds: float, head: bytes) -> bytes:
        if not self._worker.alive:
            idle_seconds = LINGER_SECONDS
        self._client.deadline = self._hub.now + idle_seconds
        self._idle = True
        try:
            # An empty line that a client ends a body with is no request (RFC 9112, 2.2).
            while END_OF_LINE.startswith(head):
                if not (more := self._client.recv(CHUNK)):
                    return b""
                head = more if head == END_OF_LINE else head + more
            return head
        except TooSlowError:
            return b""
        finally:
            self._idle = False

    def _serve(self, request: Request) -> bool:
        """Answer a request; return whether another one may follow."""
        response = environ = None
        try:
            self._worker.count(request)
            response = Response(self._client, request)
            environ = self._environments.make(request, self._requests.repeated_id)
            if request._expected_100_continue and not _is_long(request.body):
                self._client.sendall(CONTINUE)
            self._answer(environ, response, request.body)
        except GoneError:
            raise
        except Exception as error:
            if response and response.begun:
                self._worker.log.exception("An answer was cut off")
                return False  # by which the client sees that it is not whole
            self._worker.handle_error(request, self._client, self._address, error)
            response = None
        finally:
            self._settings.post_request(self._worker, request, environ, response)
        if response and not response.close and self._discard(request.body):
            return True
        self._client.close_politely()
        return False

    def _answer(self, environ: dict, response: Response, body: Body) -> None:
        slots = self._worker.slots
        slot = slots.acquire()
        if not slot:
            parts = checkouts.shed(self._worker.wsgi, environ, response.start_response)
        else:
            try:
                parts = self._worker.wsgi(environ, response.start_response)
            finally:
                slots.release()
        try:
            self._client.deadline = self._hub.now + ANSWER_SECONDS
            if _is_long(body) or not self._worker.alive:
                response.close = True
            if isinstance(parts, FileWrapper):
                parts.blksize = FILE_CHUNK
            response.send(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def _discard(self, body: Body) -> bool:
        """Read what the application left of a body; return whether the next request was found."""
        if getattr(body.reader, "length", None) == 0:
            return True  # as after almost every request
        left = DISCARD_BYTES
        # the answer is sent, and a client that has more to come sends it now
        self._client.deadline = self._hub.now + LINGER_SECONDS
        try:
            while left > 0 and (data := body.read(CHUNK)):
                left -= len(data)
        except (ParseException, OSError):
            return False
        return left > 0 and not body.failed


def _is_long(body: Body) -> bool:
    """Whether it has more than is read to get at the next request, which then cannot follow."""
    return getattr(body.reader, "length", 0) >= DISCARD_BYTES
