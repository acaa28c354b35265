"""Headers of every answer: what a browser may do with it, and which request it answers."""

from typing import Any

from products_service.web.edge import Complete, Headers
from products_service.web.request_ids import ENVIRON_KEY
from products_service.web.request_ids import HEADER as REQUEST_ID

# JSON is no page: a browser that is led to it loads nothing. Pages bring a policy of their own.
POLICY = "Content-Security-Policy"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Whoever may read an answer may read these of its headers too.
EXPOSED = f"ETag, Link, Retry-After, {REQUEST_ID}"
# What a page may send. Clients of the Atelier API send Authorization, and some Content-Type.
ALLOWED = f"Authorization, Content-Type, If-Match, If-None-Match, {REQUEST_ID}"
PREFLIGHT_SECONDS = "86400"
ANY_ORIGIN = frozenset({"*"})


def completion(origins: frozenset[str]) -> Complete:
    """Return what completes an answer's headers in place; pages of `origins` may read it."""
    fixed = [("X-Content-Type-Options", "nosniff")]
    if origins == ANY_ORIGIN:
        fixed += cross_origin("*")
    by_origin = origins if origins != ANY_ORIGIN else frozenset()

    def complete(environ: dict[str, Any], status: str, headers: Headers) -> None:
        names = {name for name, _ in headers}
        headers += fixed
        headers.append((REQUEST_ID, environ[ENVIRON_KEY]))
        if POLICY not in names:
            headers.append((POLICY, API_POLICY))
        is_options = environ["REQUEST_METHOD"] == "OPTIONS"
        if (is_options or status >= "4") and "Cache-Control" not in names:
            headers.append(("Cache-Control", "no-store"))
        if by_origin:
            add_for_origin(by_origin, environ.get("HTTP_ORIGIN"), headers)
        if is_options and status < "3":
            complete_options(headers)

    return complete


def cross_origin(origin: str) -> Headers:
    """Return the headers that let a page of that origin read the answer."""
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", EXPOSED),
    ]


def add_for_origin(origins: frozenset[str], origin: str | None, headers: Headers) -> None:
    """Let a page of that origin read the answer if it is one of `origins`."""
    # Vary also for the others, or a cache would show them an answer that was not for them.
    varying = [value for name, value in headers if name == "Vary"]
    headers[:] = [header for header in headers if header[0] != "Vary"]
    headers.append(("Vary", ", ".join([*varying, "Origin"])))
    if origin in origins:
        headers += cross_origin(origin)


def complete_options(headers: Headers) -> None:
    """Add what a preflight asks for, sort Allow, and drop the type: there is no body."""
    found = dict(headers)
    # in one order: Flask's is another one after each start
    methods = ", ".join(sorted(found["Allow"].split(", ")))
    headers[:] = [each for each in headers if each[0] not in ("Content-Type", "Allow")]
    headers.append(("Allow", methods))
    if "Access-Control-Allow-Origin" in found:
        headers += [
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", ALLOWED),
            ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
        ]
