"""What the service answers while nothing comes back from the host of its database."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tests.conftest import PATIENT
from tests.system.faults import AT_ONCE, DEADLINE, PATHS, assert_problem, assert_unconcerned
from tests.system.proxy import fill_queue
from tests.system.service import serving
from tests.waiting import wait_for


class BlackHole:
    """A port that takes connections and says nothing; or, unroutable, takes none."""

    def __init__(self, unroutable: bool) -> None:
        self._stack = ExitStack()
        self._listener = self._stack.enter_context(socket.socket())
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.address = self._listener.getsockname()
        if unroutable:
            fill_queue(self._listener, self._stack)

    @property
    def url(self) -> str:
        host, port = self.address
        return f"postgresql://products_app@{host}:{port}/products"

    def count_connections(self) -> int:
        """Return how many have connected since it was asked last."""
        self._listener.setblocking(False)
        count = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return count
            connection.close()
            count += 1

    def close(self) -> None:
        """Refuse whoever waits, and whoever comes."""
        self._stack.close()


@pytest.fixture
def black_hole() -> Iterator[Callable[[bool], BlackHole]]:
    """Makes black holes, closed at the end."""
    with ExitStack() as stack:

        def make(unroutable: bool) -> BlackHole:
            return stack.enter_context(closing(BlackHole(unroutable)))

        yield make


BLACK_HOLES = pytest.mark.parametrize(
    "unroutable", [False, True], ids=["silent host", "unroutable host"]
)


@BLACK_HOLES
def test_black_hole(black_hole: Callable[[bool], BlackHole], unroutable: bool) -> None:
    with serving(None, DATABASE_URL=black_hole(unroutable).url) as service:
        for path in [*PATHS, "/ready"]:
            assert_problem(service.get(path), 503)
        assert_unconcerned(service)


def test_black_hole_is_not_tried_again_within_the_pause(
    black_hole: Callable[[bool], BlackHole],
) -> None:
    host = black_hole(False)
    settings = {"GUNICORN_WORKERS": "1", "DB_RETRY_PAUSE_MS": "60000"}
    with serving(None, DATABASE_URL=host.url, **settings) as service:
        assert_problem(service.get("/products/1"), 503)
        assert host.count_connections() == 1
        for reply in service.get_all([*PATHS, "/ready"] * 2):
            assert_problem(reply, 503)
        assert host.count_connections() == 0


@pytest.mark.parametrize(
    ("paths", "most"),
    # a batch, which is half of those who ask for products at most, tries and waits together
    [(["/products"] * 20, 1), (PATHS * 5, 10)],
    ids=["lists", "lists and products"],
)
def test_black_hole_leaves_threads_for_all_else(
    black_hole: Callable[[bool], BlackHole], paths: list[str], most: int
) -> None:
    host = black_hole(False)
    settings = PATIENT | {"GUNICORN_WORKERS": "1", "DB_RETRY_PAUSE_MS": "1"}
    with (
        serving(None, DATABASE_URL=host.url, **settings) as service,
        service.asked(paths) as replies,
    ):
        # One tries whether the database is back; the others are refused meanwhile.
        wait_for(lambda: sum(not reply.done() for reply in replies) <= most)
        assert_unconcerned(service)
        assert 0 < sum(not reply.done() for reply in replies) <= most
        host.close()
        for reply in replies:
            assert_problem(reply.result(), 503)


@pytest.mark.slow
@BLACK_HOLES
def test_black_hole_is_answered_for_within_the_deadline(
    black_hole: Callable[[bool], BlackHole], unroutable: bool
) -> None:
    with serving(None, DATABASE_URL=black_hole(unroutable).url) as service:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with service.asked(PATHS * 3) as replies:
                assert_unconcerned(service, AT_ONCE)
            for reply in replies:
                assert_problem(reply.result(), 503)
                assert reply.result().seconds < DEADLINE
