"""Where the pages beside a page of a list are: the header Link (RFC 8288)."""

from collections.abc import Callable
from urllib.parse import quote, urlencode

from flask import request

from products_service.database import Row
from products_service.products.schemas import ListQuery

# What names a page, and how the first is called.
FIRST = {"page": 1, "after": 0}
# What a link keeps of the request, in this order.
KEPT = [name for name in ListQuery().fields if name not in FIRST]


def page_links(paging: str) -> Callable[[Row], str]:
    """Return what makes the header for an answer to the current request.

    `paging` is the parameter that names a page, `page` or `after`.
    """

    def make(row: Row) -> str:
        path = quote(request.environ["SCRIPT_NAME"] + request.path)
        kept = [(name, request.args[name]) for name in KEPT if name in request.args]
        rest = "&" + urlencode(kept, quote_via=quote) if kept else ""
        places = {"first": FIRST[paging], "prev": row.previous, "next": row.next}
        return ", ".join(
            f'<{path}?{paging}={place}{rest}>; rel="{relation}"'
            for relation, place in places.items()
            if place is not None
        )

    return make
