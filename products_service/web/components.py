"""Headers of requests and answers in the API's description, which its operations share."""

from typing import Any

from products_service.web.headers import ALLOWED, PREFLIGHT_SECONDS

TEXT = {"type": "string"}
# The id that examples carry.
REQUEST_ID = "5f0c7a3e9d1b4268a7e04c95b1d2f836"
# The components of Cache-Control.
CATALOGUE = "Cache-Control-Catalogue"
PAGE = "Cache-Control-Page"
NOT_KEPT = "Cache-Control-None"


def _header(description: str, example: str | int, required: bool = True) -> dict[str, Any]:
    schema = TEXT if isinstance(example, str) else {"type": "integer", "minimum": 0}
    return {
        "description": description,
        "required": required,
        "schema": schema,
        "example": example,
    }


# Of answers, by the components' names, which are the headers' own where there is one of a kind.
HEADERS = {
    "X-Request-ID": _header(
        "The request's id: the one that came with it, or one made for it.", REQUEST_ID
    ),
    CATALOGUE: _header(
        "How long the answer may be kept, as the service is configured.",
        "public, max-age=30, stale-while-revalidate=10, stale-if-error=600",
    ),
    PAGE: _header("The answer may be kept, but is asked about each time.", "no-cache"),
    NOT_KEPT: _header("The answer is not kept.", "no-store"),
    "ETag": _header(
        "Names this answer: come back with it in `If-None-Match`. Of products, it changes with "
        "each load of the catalogue.",
        '"7-4d2c9f0a61b83e57d4c20f19"',
    ),
    "Vary": _header("Headers of the request that the answer depends on.", "Accept-Encoding"),
    "Link": _header(
        "The first page, the previous and the next one (RFC 8288) where there is one, relative to "
        "the request. Not with `ids`.",
        '</products?page=1&count=5>; rel="first", </products?page=2&count=5>; rel="next"',
        required=False,
    ),
    "Retry-After": _header("Seconds after which to ask again.", 1),
    "Retry-After-Of-Some": _header("Seconds after which to ask again.", 1, required=False),
    "Allow": _header("The methods of this path.", "GET, HEAD, OPTIONS"),
    "Content-Encoding": _header(
        "Of an answer that is compressed: `gzip`. See `Accept-Encoding`.", "gzip", required=False
    ),
    "Access-Control-Allow-Origin": _header(
        "The origins whose pages may read the answer.", "*", required=False
    ),
    "Access-Control-Allow-Methods": _header(
        "Of a preflight: the methods that the page may use.", "GET, HEAD, OPTIONS", required=False
    ),
    "Access-Control-Allow-Headers": _header(
        "Of a preflight: the headers that the page may send.", ALLOWED, required=False
    ),
    "Access-Control-Max-Age": _header(
        "Of a preflight: for how many seconds it need not be asked again.",
        int(PREFLIGHT_SECONDS),
        required=False,
    ),
}


def _parameter(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": TEXT, "example": example}


# Of requests.
PARAMETERS = {
    "If-None-Match": _parameter(
        "The `ETag` of an answer that is at hand, or several. Where it is still right, the answer "
        "is 304 without a body.",
        '"7-4d2c9f0a61b83e57d4c20f19"',
    ),
    "If-Match": _parameter(
        "The `ETag` that the answer has to have, one of several, or `*`. If it has another, the "
        "answer is 412.",
        "*",
    ),
    "Accept-Encoding": _parameter("`gzip` gets larger answers compressed.", "gzip"),
    "X-Request-ID": _parameter(
        "An id to know the request by, in the answer and in the log: 1 to 128 letters, digits, "
        "`.`, `_`, `-`. An id of another form is replaced by a new one.",
        REQUEST_ID,
    ),
}
