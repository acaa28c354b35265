"""The requests of a connection, by gunicorn's parser: of each, as much as is new.

Clients send the same header fields again and again. Where they do, byte by byte, what the parser
made of them still holds, and what is left is a request line; only a line that cannot be read in two
ways is read here.
"""

import re

from gunicorn.config import Config
from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request
from gunicorn.http.unreader import Unreader

from products_service.serving.environ import Address

END_OF_HEAD = b"\r\n\r\n"
END_OF_LINE = b"\r\n"
_PLAIN_LINE = re.compile(
    r"GET (?P<uri>(?P<path>(?:/[\w.~-]{1,100}){1,10})(?:\?(?P<query>[\w.~,=&-]{0,200}))?)"
    r" HTTP/1\.1",
    re.ASCII,
)


class Requests:
    """Makes a request of each head; one is done with when the next is made."""

    def __init__(self, settings: Config, unreader: Unreader, address: Address) -> None:
        self._settings = settings
        self._unreader = unreader
        self._address = address
        self._count = 0
        self._last: Request | None = None
        self._fields: bytes | None = None  # of the last one, if they are all that there was

    def parse(self, head: bytes) -> Request:
        """Return the request of a whole head, which more may follow. Raises ParseException."""
        self._count += 1
        line, _, fields = head.partition(END_OF_LINE)
        if fields == self._fields and (plain := _PLAIN_LINE.fullmatch(line.decode("latin-1"))):
            return self._repeat(plain)
        self._unreader.unread(head)
        request = Request(self._settings, self._unreader, self._address, self._count)
        self._last, self._fields = request, None
        if _is_all(request, head):
            self._fields = fields
        return request

    def _repeat(self, plain: re.Match[str]) -> Request:
        request = self._last
        request.req_number = self._count
        request.uri, request.path = plain["uri"], plain["path"]
        request.query = plain["query"] or ""
        return request


def _is_all(request: Request, head: bytes) -> bool:
    """Whether there was nothing but the head of a GET: no body, and no other request yet."""
    reader = request.body.reader
    bodiless = isinstance(reader, LengthReader) and reader.length == 0
    whole = head.index(END_OF_HEAD) + len(END_OF_HEAD) == len(head)
    return request.method == "GET" and request.version == (1, 1) and bodiless and whole
