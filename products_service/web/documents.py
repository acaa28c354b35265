"""Documents that are at hand whole, for all clients the same: pages, files, the API's description.

The next release may have others, so clients ask each time; a tag tells whether they have them.
"""

import zlib
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

from flask import Response, abort, request

from products_service.web.caching import COMPRESS_FROM, has_if_match


def send_document(
    body: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a document, compressed for who accepts that, or 304 where the client has it.

    Its tag is made of its bytes: file times differ from host to host. Raises PreconditionFailed.
    """
    tag, compressed = _forms(body)
    response = Response(body, headers=headers, content_type=content_type)
    if len(body) >= COMPRESS_FROM and request.accept_encodings["gzip"] > 0:
        tag = f"{tag}-gzip"
        response.set_data(compressed)
        response.content_encoding = "gzip"
    response.set_etag(tag)
    response.cache_control.no_cache = True
    response.vary.add("Accept-Encoding")
    return _heed_conditions(response)


@lru_cache(maxsize=64)  # more than there are
def _forms(body: bytes) -> tuple[str, bytes]:
    """Return the tag of a document, and the document compressed."""
    return blake2b(body, digest_size=12).hexdigest(), zlib.compress(body, 9, wbits=31)


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
