"""The requests of a connection, by gunicorn's parser: of each, as much as is new.

Clients send the same header fields again and again, and so does the balancer, but for the id that
it gives each request. Where they do, byte by byte, what the parser made of them still holds, and
what is left is a request line and the id; only those that cannot be read in two ways are read here.
"""

import math
import re

from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidHTTPVersion,
    InvalidRequestLine,
    LimitRequestHeaders,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import Unreader

from products_service.serving.environ import Address

END_OF_HEAD = b"\r\n\r\n"
END_OF_LINE = b"\r\n"
# Of the fields behind a body in chunks, which nobody here reads. gunicorn takes a hundred times as
# much as of one field, and a time for it that grows with the square of their number.
TRAILER_BYTES = 8192
ID_NAME = "X-REQUEST-ID"  # as the parser gives it
ID_FIELD = b"\r\nX-Request-ID: "
# Of RFC 3986, 3.2.2 and 3.2.3, less the comma, by which some join two of them.
_HOST = re.compile(r"(\[[\da-fA-F:.]+\]|[\w.~!$&'()*+;=%-]*)(:\d*)?", re.ASCII)
# Of RFC 9112, 3.2.2.
_ABSOLUTE = re.compile(r"https?://[^/?#]+([/?].*)?", re.ASCII | re.IGNORECASE)
_PLAIN_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
_PLAIN_LINE = re.compile(
    r"GET (?P<uri>(?P<path>(?:/[\w.~-]{1,100}){1,10})(?:\?(?P<query>[\w.~,=&-]{0,200}))?)"
    r" HTTP/1\.1",
    re.ASCII,
)


class Requests:
    """Makes a request of each head; one is done with when the next is made.

    `repeated_id` is None where the last one was parsed as a whole, and its id where only that and
    its line were: empty where it has none.
    """

    repeated_id: str | None = None

    def __init__(self, settings: Config, unreader: Unreader, address: Address) -> None:
        self._settings = settings
        self._unreader = unreader
        self._address = address
        # One more, since an empty line may come first. A setting of 0 is no limit.
        self._most_lines = (settings.limit_request_fields or math.inf) + 1
        self._count = 0
        self._last: Request | None = None
        # Of the last one, if they are all that there was: what is before the id, its name, and what
        # is after it.
        self._fields: tuple[bytes, bytes, bytes] | None = None
        self._id_at = 0

    def parse(self, head: bytes) -> Request:
        """Return the request of a whole head, which more may follow. Raises ParseException."""
        self._count += 1
        line, end, rest = head.partition(END_OF_LINE)
        before, name, rest = (end + rest).partition(ID_FIELD)
        request_id, _, after = rest.partition(END_OF_LINE)
        request_id = request_id.decode("latin-1")
        fields = before, name, after
        if (
            fields == self._fields
            and (plain := _PLAIN_LINE.fullmatch(line.decode("latin-1")))
            and (not name or _PLAIN_ID.fullmatch(request_id))
        ):
            self.repeated_id = request_id
            return self._repeat(plain, request_id)
        self.repeated_id = None
        # gunicorn's limit is of those that it keeps
        if head.count(END_OF_LINE, 0, head.index(END_OF_HEAD)) > self._most_lines:
            raise LimitRequestHeaders("limit request headers fields")
        self._unreader.unread(head)
        request = Request(self._settings, self._unreader, self._address, self._count)
        _complete(request)
        self._last, self._fields = request, None
        # an empty line before it, which is allowed, would make the request line one of the fields
        if line and _is_all(request, head) and self._find_id(request, request_id):
            self._fields = fields
        return request

    def _find_id(self, request: Request, request_id: str) -> bool:
        """Note where the parser put the id; return whether that is certain, or there is none."""
        ids = [at for at, (name, _) in enumerate(request.headers) if name == ID_NAME]
        if not ids:
            return not request_id
        self._id_at = ids[0]
        return len(ids) == 1 and request.headers[ids[0]][1] == request_id

    def _repeat(self, plain: re.Match[str], request_id: str) -> Request:
        request = self._last
        request.req_number = self._count
        request.uri, request.path = plain["uri"], plain["path"]
        request.query = plain["query"] or ""
        if request_id:
            request.headers[self._id_at] = ID_NAME, request_id
        return request


def _complete(request: Request) -> None:
    """Heed what gunicorn's parser does not of RFC 9112: the version (2.3), that there is a
    Host, and a valid one (3.2), the forms of a target (3.2), all of Connection (9.6).

    Raises ParseException.
    """
    other = request.uri[0] != "/" and request.uri != "*" and request.method != "CONNECT"
    if other and not _ABSOLUTE.fullmatch(request.uri):
        raise InvalidRequestLine(request.uri)
    if isinstance(request.body.reader, ChunkedReader):
        request.body.reader.limit_trailer_section = TRAILER_BYTES
    names = [name for name, _ in request.headers]
    hosts = [value for name, value in request.headers if name == "HOST"]
    if request.version > (1, 1):
        raise InvalidHTTPVersion(request.version)
    if (request.version == (1, 1) and not hosts) or not all(map(_HOST.fullmatch, hosts)):
        raise InvalidHeader("HOST", req=request)
    if "CONNECTION" in names:
        options = ",".join([value for name, value in request.headers if name == "CONNECTION"])
        if "close" in [option.strip(" \t") for option in options.lower().split(",")]:
            request.force_close()


def _is_all(request: Request, head: bytes) -> bool:
    """Whether there was nothing but the head of a GET: no body, and no other request yet."""
    reader = request.body.reader
    bodiless = isinstance(reader, LengthReader) and reader.length == 0
    whole = head.index(END_OF_HEAD) + len(END_OF_HEAD) == len(head)
    return request.method == "GET" and request.version == (1, 1) and bodiless and whole
