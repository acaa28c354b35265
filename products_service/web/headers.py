"""Headers of every answer: what a browser may do with it, and which request it answers."""

from flask import Flask, Response, request

from products_service.web.request_ids import HEADER as REQUEST_ID
from products_service.web.request_ids import current_request_id

# JSON is no page: a browser that is led to it loads nothing. Pages bring a policy of their own.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Whoever may read an answer may read these of its headers too.
EXPOSED = f"ETag, Link, Retry-After, {REQUEST_ID}"
ALLOWED = f"If-None-Match, {REQUEST_ID}"
PREFLIGHT_SECONDS = "86400"
ANY_ORIGIN = "*"


def init_app(app: Flask) -> None:
    """Complete the headers of every answer, errors and 304s too."""
    origins = app.config["CORS_ORIGINS"]
    fixed = [("X-Content-Type-Options", "nosniff")]
    if origins == {ANY_ORIGIN}:
        fixed += cross_origin(ANY_ORIGIN)

    @app.after_request
    def complete(response: Response) -> Response:
        headers = response.headers
        headers.extend(fixed)
        headers.add(REQUEST_ID, current_request_id())
        if "Content-Security-Policy" not in headers:
            headers.add("Content-Security-Policy", API_POLICY)
        if response.status_code >= 400 and "Cache-Control" not in headers:
            headers.add("Cache-Control", "no-store")
        if origins and origins != {ANY_ORIGIN}:
            # also for other origins, or a cache would show them an answer that was not for them
            response.vary.add("Origin")
            if request.origin in origins:
                headers.extend(cross_origin(request.origin))
        if request.method == "OPTIONS" and "Access-Control-Allow-Origin" in headers:
            headers.extend(preflight(headers.get("Allow", "")))
        return response


def cross_origin(origin: str) -> list[tuple[str, str]]:
    """Return the headers that let a page of that origin read the answer."""
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", EXPOSED),
    ]


def preflight(methods: str) -> list[tuple[str, str]]:
    """Return what a browser asks before a request that is not a simple one."""
    return [
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", ALLOWED),
        ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
    ]
