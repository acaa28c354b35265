"""Flask, less what it does on every request for applications that are not this one.

What each cut gives back is measured in docs/decisions/request-path.md.
"""

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any

from flask import Flask, Request, Response, has_app_context, request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

from products_service.web.routing import ShapeAdapter, Shapes


class NoSessions(SessionInterface):
    """No request has a session; reading one finds it empty, writing to it fails."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return the one session that all requests have."""
        return self._none


class LeanRequest(Request):
    """A request of which the parts that views seldom need are made when one is asked for.

    werkzeug's own has all of them from the beginning, and looks at its end for files that came.
    """

    _LATE = frozenset({"scheme", "server", "root_path", "path", "headers", "remote_addr"})
    shallow = False  # werkzeug's word for one whose body may not be read

    def __init__(self, environ: dict[str, Any]):
        self.environ = environ
        self.method = environ["REQUEST_METHOD"].upper()
        self.query_string = environ["QUERY_STRING"].encode("latin-1")
        environ["werkzeug.request"] = self

    def __getattr__(self, name: str) -> Any:
        """Make the parts and return the one of that name. Raises AttributeError."""
        if name not in self._LATE:
            raise AttributeError(f"a request has no {name!r}", name=name, obj=self)
        super().__init__(self.environ, populate_request=False)
        return getattr(self, name)

    def close(self) -> None:
        """Close the files that came with it, if anybody looked for some."""
        if "files" in vars(self):
            super().close()


class Application(Flask):
    """A Flask application that knows one host, makes no absolute URLs and sends no signals.

    Its context stays with whoever has a first request answered, a thread or a greenlet, and `g`
    with it: nothing is to be put there, and nothing to be torn down with it.
    """

    request_class = LeanRequest
    session_interface = NoSessions()

    @cached_property
    def shapes(self) -> Shapes:
        """What is known of the routes of paths with one id."""
        return {}

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request as PEP 3333 says."""
        if not has_app_context():
            self.app_context().push()
        return super().wsgi_app(environ, start_response)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: none is a coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches the request's path to a route.

        Flask's own finds out first which host was asked, for applications that have routes of
        different hosts or redirect. Without a request there are no URLs to be made.
        """
        if request is None:
            return None
        environ = request.environ
        path = environ["PATH_INFO"] or "/"
        raw = environ.get("RAW_URI", "")
        # werkzeug would leave out all slashes but one; and %2F is none that divides a path
        if path.startswith("//") or ("%" in raw and "%2F" in raw.partition("?")[0].upper()):
            path = f"/.{path}"  # no route's
        # server and subdomain are nobody's
        where = self.url_map, "", environ["SCRIPT_NAME"] or "/", None, environ["wsgi.url_scheme"]
        return ShapeAdapter(self.shapes, *where, path, environ["REQUEST_METHOD"])

    def full_dispatch_request(self) -> Response:
        """Answer the request with what its view returns, or the handler of what it raises.

        Flask's own also calls functions before and after. Where an endpoint has none, it looks for
        them all the same, on each request.
        """
        # Flask's proxies find their object anew for each attribute. Here, and in what the views of
        # the catalogue run, they are asked for it once.
        asked = request._get_current_object()
        if asked.method == "OPTIONS" or not self._is_plain(asked.endpoint):
            return super().full_dispatch_request()
        try:
            returned = self.view_functions[asked.endpoint](**asked.view_args)
        except Exception as error:
            returned = self.handle_user_exception(error)
        return self.make_response(returned)

    @cache  # noqa: B019
    def _is_plain(self, endpoint: str | None) -> bool:
        """Whether nothing is to be called around an endpoint's view. None: the path is nobody's."""
        if endpoint is None:
            return False
        blueprints = {None, *endpoint.split(".")[:-1]}
        around = (self.before_request_funcs, self.after_request_funcs, self.url_value_preprocessors)
        return all(blueprints.isdisjoint(functions) for functions in around)

    def do_teardown_request(self, *arguments: Any) -> None:
        """Call what is to be called when a request has ended, if anything is."""
        if self.teardown_request_funcs:
            super().do_teardown_request(*arguments)


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
