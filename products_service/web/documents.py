"""Documents that are at hand whole, for all clients the same: pages, files, the API's description.

The next release may have others, so clients ask each time; a tag tells whether they have them.
"""

import zlib
from collections.abc import Mapping
from functools import lru_cache

from flask import Response, abort, request

from products_service.web.caching import COMPRESS_FROM, has_if_match

MOST = 64  # more documents than there are


def send_document(
    body: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a document, compressed for who accepts that, or 304 where the client has it.

    Its tag is made of the bytes that are sent: file times differ from host to host, and so may what
    compresses. Raises PreconditionFailed.
    """
    response = Response(body, headers=headers, content_type=content_type)
    if len(body) >= COMPRESS_FROM and request.accept_encodings["gzip"] > 0:
        response.set_data(_compress(body))
        response.content_encoding = "gzip"
    response.add_etag()
    response.cache_control.no_cache = True
    response.vary.add("Accept-Encoding")
    return _heed_conditions(response)


@lru_cache(maxsize=MOST)
def _compress(body: bytes) -> bytes:
    return zlib.compress(body, 9, wbits=31)


def _heed_conditions(response: Response) -> Response:
    """Return the response, or make it 304 where the client has it. Raises PreconditionFailed.

    For answers that are at hand; those of the catalogue need not be asked for (caching.py).
    """
    wanted = request.if_match
    holds = wanted.star_tag or wanted.is_strong(response.get_etag()[0])
    if has_if_match(request.environ) and not holds:
        abort(412)
    # One that holds is none: werkzeug would not look at If-None-Match then (RFC 9110, 13.2.2). Nor
    # is a date, since answers have none; of one that is out of all bounds it would make an error.
    heeded = {"HTTP_IF_MATCH": "", "HTTP_IF_MODIFIED_SINCE": ""}
    return response.make_conditional(request.environ | heeded)
