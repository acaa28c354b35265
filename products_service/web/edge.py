"""What surrounds the application: each request's id, its answer's last headers, its observers.

A WSGI middleware, and not functions that Flask calls after a request: those find what they need
through Flask's proxies and werkzeug's header objects, which cost three times as much as all
that is done here, on every request.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

from products_service import later
from products_service.database.errors import DatabaseError
from products_service.database.observer import Observer
from products_service.web.request_ids import ENVIRON_KEY, accept_request_id

Headers = list[tuple[str, str]]
Complete = Callable[[dict[str, Any], str, Headers], None]


class Exchange(NamedTuple):
    """A request and its answer, for those who note them; times in seconds."""

    environ: dict[str, Any]
    request_id: str
    route: str | None  # the rule that matched
    status: int
    headers: Headers
    seconds: float
    statement_seconds: float
    ended_at: int  # nanoseconds since 1970


class ExchangeObserver(Protocol):
    """Notes what became of requests."""

    def __call__(self, exchanges: Sequence[Exchange]) -> None:
        """Note them, in this order. Called after the last is complete, maybe a moment later."""


# A request is a thread or a greenlet, and each has a context of its own.
_statement_seconds: ContextVar[float] = ContextVar("statement_seconds", default=0.0)


class StatementTimer(Observer):
    """Adds up how long the statements of a request took."""

    def begin(self) -> None:
        """Begin anew: this is another request."""
        _statement_seconds.set(0.0)

    @property
    def seconds(self) -> float:
        """The sum since the request began."""
        return _statement_seconds.get()

    def answered(self, statement: str, seconds: float, load_number: int) -> None:
        """Add the seconds of a statement that got its answer."""
        _statement_seconds.set(_statement_seconds.get() + seconds)

    def failed(self, statement: str, seconds: float, error: DatabaseError) -> None:
        """Add the seconds of one that got none."""
        _statement_seconds.set(_statement_seconds.get() + seconds)


class Edge:
    """Wraps a Flask application's wsgi_app."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        complete: Complete,
        timer: StatementTimer,
        observers: Sequence[ExchangeObserver],
    ):
        self._application = application
        self._complete = complete
        self._timer = timer
        # one each, so that what one of them cannot note does not keep the others from it
        self._buffers = [later.Buffer(observe) for observe in observers]

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request as PEP 3333 says."""
        started = time.perf_counter()
        self._timer.begin()
        environ[ENVIRON_KEY] = request_id = accept_request_id(environ)
        answer: tuple[str, Headers, Any] = ("", [], None)

        def start(status: str, headers: Headers, *exc_info: Any) -> Any:
            nonlocal answer
            self._complete(environ, status, headers)
            # Flask forgets its request before it returns.
            answer = status, headers, environ["werkzeug.request"].url_rule
            return start_response(status, headers, *exc_info)

        body = self._application(environ, start)
        status, headers, rule = answer
        exchange = Exchange(
            environ,
            request_id,
            rule.rule if rule else None,
            int(status[:3]),
            headers,
            time.perf_counter() - started,
            self._timer.seconds,
            time.time_ns(),
        )
        for buffer in self._buffers:
            buffer.add(exchange)
        return body
