"""How the service has to answer while its database does not."""

from tests.system.service import Reply, Service
from tests.waiting import HANG

PATHS = ["/products", "/products/1", "/products/1/styles", "/products/1/related"]
# What needs no database, whatever has become of it.
UNCONCERNED = {
    "/live": 200,
    "/products/hello": 404,
    "/products/0/styles": 404,
    "/nothing": 404,
    "/products?count=0": 400,
}
# The promises of the time budget: the deadline of 800 ms and what carrying an answer takes;
# "at once" for what is refused.
DEADLINE = 0.9
AT_ONCE = 0.2


def assert_problem(reply: Reply, *statuses: int) -> None:
    """Hold that it is a problem of one of these statuses, and tells nothing of what is inside."""
    assert reply.status in statuses
    assert reply.is_problem
    if reply.status == 503:
        assert reply.headers["Retry-After"] == "1"
    for inside in (b"SELECT", b"EXECUTE", b"Traceback", b"psycopg", b"catalogue", b"socket"):
        assert inside not in reply.body


def assert_unconcerned(service: Service, seconds: float = HANG) -> None:
    for path, status in UNCONCERNED.items():
        reply = service.get(path)
        assert reply.status == status
        assert reply.seconds < seconds
