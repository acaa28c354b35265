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
    path, script = request.path, environ["SCRIPT_NAME"]
    if script:
        if not path.startswith(script):
            raise ConfigurationProblem(
                f"Request path {path!r} does not start with SCRIPT_NAME {script!r}"
            )
        path = path[len(script) :]
    environ["PATH_INFO"] = unquote_to_wsgi_str(path) if "%" in path else path
    if request.proxy_protocol_info:
        environ.update(proxy_environ(request))
    return environ
