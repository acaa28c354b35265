"""Flask, less what it does on every request for applications that are not this one.

Both cuts are measured in docs/performance.md.
"""

from typing import Any

from flask import Flask, Request, Response
from werkzeug.routing import MapAdapter


class Application(Flask):
    """A Flask application that knows one host and makes no absolute URLs."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches the request's path to a route.

        Flask's own finds out first which host was asked, for applications that have routes of
        different hosts or redirect.
        """
        if request is None:
            return super().create_url_adapter(request)
        environ = request.environ
        path = environ["PATH_INFO"] or "/"
        if path.startswith("//"):
            path = f"/.{path}"  # no route's; werkzeug would leave out all slashes but one
        return MapAdapter(
            self.url_map,
            server_name="",
            script_name=environ["SCRIPT_NAME"] or "/",
            subdomain=None,
            url_scheme=environ["wsgi.url_scheme"],
            path_info=path,
            default_method=environ["REQUEST_METHOD"],
        )


class FinishedResponse(Response):
    """An answer that is sent as it stands: its headers are complete and not looked at again.

    werkzeug's own copies its headers, and goes over the copy for what may have to be added.
    """

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes):
        """Make an answer of a status line, the headers but Content-Length, and the body."""
        # In place of all that Response.__init__ sets: this answer has no such parts.
        self._status = status
        self._headers = headers
        self._body = body

    @property
    def status_code(self) -> int:
        """The status."""
        return int(self._status[:3])

    def __call__(self, environ: dict[str, Any], start_response: Any) -> tuple[bytes, ...]:
        """Send it, as PEP 3333 says."""
        start_response(self._status, self._headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self._body,)
