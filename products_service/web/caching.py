"""How answers from the catalogue are kept and checked: ETag, 304, Cache-Control, compression.

A tag names the catalogue that an answer came from (its load's number and digest, from the same
statement as the body), the form that this version of the service gives it, and its URL. So a
tag can be checked without asking for the body: it names what the URL shows now, or not.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, abort, current_app, request

from products_service.database import Database, Row
from products_service.statements import Statement
from products_service.web.application import FinishedResponse

# Below this many bytes an answer fits the first packets of a connection as it is.
COMPRESS_FROM = 1024
COMPRESSION_LEVEL = 1
# How old the load number may be that a 304 rests on.
KNOWN_FOR = 1.0  # seconds
NOT_MODIFIED = "304 NOT MODIFIED"
# Of our package, the folders whose modules make answers from the catalogue.
MAKERS = ("products", "web")


class _Policy(NamedTuple):
    """What does not change from one answer to the next."""

    hasher: Any  # of hashlib, that knows the form
    cache_control: str
    database: Database


def init_app(app: Flask, statements: Mapping[str, Statement]) -> None:
    """Make the policy once and keep it in app.extensions."""
    cache_control = (
        f"public, max-age={app.config['CACHE_MAX_AGE']}"
        f", stale-while-revalidate={app.config['CACHE_STALE_WHILE_REVALIDATE']}"
        f", stale-if-error={app.config['CACHE_STALE_IF_ERROR']}"
    )
    app.extensions["caching"] = _Policy(
        hashlib.blake2b(
            digest_size=12,
            salt=form(statements, cache_control, app.config["CORS_ORIGINS"], _MAKERS),
        ),
        cache_control,
        app.extensions["database"],
    )


def form(
    statements: Mapping[str, Statement], cache_control: str, origins: Iterable[str], makers: str
) -> bytes:
    """Return what changes with what we produce.

    That is the statements, the compressor, Cache-Control, origins, and our own code that makes
    answers of these. Headers too, since a cache that is answered 304 may go on showing those that
    it has.
    """
    text = "\0".join(statement.sql for _, statement in sorted(statements.items()))
    headers = f"{cache_control}\0{' '.join(sorted(origins))}"
    how = f"{text}\0{zlib.ZLIB_RUNTIME_VERSION}\0{COMPRESSION_LEVEL}\0{headers}\0{makers}"
    return hashlib.blake2b(how.encode(), digest_size=8).digest()


def read_makers(package: Path = Path(__file__).parents[1]) -> str:
    """Return the source of what makes answers: defaults of parameters, links, headers.

    Raises OSError.
    """
    files = (file for folder in MAKERS for file in sorted((package / folder).glob("*.py")))
    return "\0".join(file.read_text("utf-8") for file in files)


# With the code that they are the source of: a worker that starts later has that, whatever release
# the files are of by then.
_MAKERS = read_makers()


def conditional(
    fetch: Callable[[], Row], links: Callable[[Row], str] | None = None
) -> FinishedResponse | None:
    """Return the catalogue's answer: 200, or 304 where the client has it; None: there is none.

    `fetch` runs the statement. It is not called where the client's tag can be told to be right
    by the load number alone. `links` makes the Link header of a list's answer.
    Raises PreconditionFailed where `If-Match` does not name the answer.
    """
    policy: _Policy = current_app._get_current_object().extensions["caching"]
    asked = request._get_current_object()
    environ = asked.environ
    known = asked.if_none_match if "HTTP_IF_NONE_MATCH" in environ else None
    wanted = asked.if_match if has_if_match(environ) else None
    compressible = _accepts_gzip(environ)
    if known and wanted is None:
        with policy.database.in_one_deadline():
            tag = _entity_tag(policy, environ, *policy.database.identity(KNOWN_FOR))
            if found := _held(known.as_set(include_weak=True), tag, compressible):
                return FinishedResponse(NOT_MODIFIED, _headers(policy, found), b"")
            row = fetch()
    else:
        row = fetch()
    if row.body is None:
        return None
    tag = _entity_tag(policy, environ, row.load_number, row.load_digest)
    body = row.body.encode()
    compressed = compressible and len(body) >= COMPRESS_FROM
    shown = _compressed(tag) if compressed else tag
    if wanted is not None and not (wanted.star_tag or shown in wanted.as_set()):
        abort(412)
    if known:
        found = _held(known.as_set(include_weak=True), tag, compressible)
        if known.star_tag:
            found = shown
        if found:
            return FinishedResponse(NOT_MODIFIED, _headers(policy, found), b"")
    if compressed:
        # in gzip's format. Not by the module gzip, whose bytes differ from one Python to the next
        body = zlib.compress(body, COMPRESSION_LEVEL, wbits=31)
        headers = [*_headers(policy, shown), ("Content-Encoding", "gzip")]
    else:
        headers = _headers(policy, shown)
    if links:
        headers.append(("Link", links(row)))
    headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return FinishedResponse("200 OK", headers, body)


def has_if_match(environ: dict[str, Any]) -> bool:
    """Whether there is an `If-Match` that says something; what cannot be read names no answer."""
    return bool(environ.get("HTTP_IF_MATCH", "").strip(" \t,"))


def _accepts_gzip(environ: dict[str, Any]) -> bool:
    accepted = environ.get("HTTP_ACCEPT_ENCODING")
    # What the balancer sends needs no parsing.
    return bool(accepted) and (accepted == "gzip" or request.accept_encodings["gzip"] > 0)


def _entity_tag(
    policy: _Policy, environ: dict[str, Any], load_number: int, load_digest: str
) -> str:
    """Return the tag, without quotes, of what the request's URL shows of that load."""
    url = f"{environ['SCRIPT_NAME']}{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
    hasher = policy.hasher.copy()
    hasher.update(f"{load_digest} {url}".encode())
    return f"{load_number}-{hasher.hexdigest()}"


def _compressed(tag: str) -> str:
    return f"{tag}-gzip"


def _held(tags: set[str], tag: str, compressible: bool) -> str | None:
    """Return which form of what `tag` names the client holds and can still use."""
    if tag in tags:
        return tag
    if compressible and _compressed(tag) in tags:
        return _compressed(tag)
    return None


def _headers(policy: _Policy, tag: str) -> list[tuple[str, str]]:
    return [
        ("ETag", f'"{tag}"'),
        ("Cache-Control", policy.cache_control),
        ("Vary", "Accept-Encoding"),
    ]
