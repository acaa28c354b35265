"""The WSGI environment of a request, as gunicorn makes it (gunicorn.http.wsgi.create).

What is the same for all requests of a worker or a connection is not made anew for each.
"""

import os
from typing import Any

from gunicorn.config import Config
from gunicorn.http.errors import ConfigurationProblem
from gunicorn.http.message import Request
from gunicorn.http.wsgi import base_environ, proxy_environ
from gunicorn.util import unquote_to_wsgi_str

Environ = dict[str, Any]
Address = tuple[Any, ...]  # a host and a port first


def worker_environ(config: Config) -> Environ:
    """Return what holds for a whole worker."""
    return base_environ(config) | {"SCRIPT_NAME": os.environ.get("SCRIPT_NAME", "")}


def connection_environ(worker: Environ, client: Address, server: Address) -> Environ:
    """Return what holds for a connection between two addresses."""
    return worker | {
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
    }


def request_environ(connection: Environ, request: Request) -> Environ:
    """Return the environment of one request.

    Raises ConfigurationProblem when the path is not below what the balancer calls SCRIPT_NAME.
    """
    environ = connection.copy()
    environ["wsgi.input"] = request.body
    environ["wsgi.url_scheme"] = request.scheme
    environ["REQUEST_METHOD"] = request.method
    environ["QUERY_STRING"] = request.query
    environ["RAW_URI"] = request.uri
    environ["SERVER_PROTOCOL"] = "HTTP/{}.{}".format(*request.version)
    for name, value in request.headers:
        if name == "CONTENT-TYPE":
            environ["CONTENT_TYPE"] = value
        elif name == "CONTENT-LENGTH":
            environ["CONTENT_LENGTH"] = value
        else:
            if name == "SCRIPT_NAME":  # only from those whom forwarded_allow_ips trusts
                environ["SCRIPT_NAME"] = value
            key = "HTTP_" + name.replace("-", "_")
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    path = _below(environ["SCRIPT_NAME"], request.path)
    environ["PATH_INFO"] = unquote_to_wsgi_str(path) if "%" in path else path
    if request.proxy_protocol_info:
        environ.update(proxy_environ(request))
    return environ


class Environments:
    """Makes the environments of a connection's requests, of each as much as is new."""

    def __init__(self, connection: Environ) -> None:
        self._connection = connection
        self._last: Environ = {}  # as it was before the application had it

    def make(self, request: Request, repeated_id: str | None) -> Environ:
        """Return the environment of the next request.

        `repeated_id` is None for a request that was parsed as a whole. Otherwise its header fields
        are those of the last one but for X-Request-ID, which this is ("" where there is none), and
        its path has nothing to be decoded (serving/requests.py).

        Raises ConfigurationProblem as request_environ does.
        """
        if repeated_id is None:
            self._last = request_environ(self._connection, request)
            return self._last.copy()
        environ = self._last.copy()
        environ["QUERY_STRING"] = request.query
        environ["RAW_URI"] = request.uri
        environ["PATH_INFO"] = _below(environ["SCRIPT_NAME"], request.path)
        if repeated_id:
            environ["HTTP_X_REQUEST_ID"] = repeated_id
        return environ


def _below(script: str, path: str) -> str:
    """Return the path without what the balancer calls SCRIPT_NAME."""
    if not path.startswith(script):
        raise ConfigurationProblem(
            f"Request path {path!r} does not start with SCRIPT_NAME {script!r}"
        )
    return path[len(script) :]
