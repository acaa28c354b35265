"""What the tests of the hub and of what waits in it begin with."""

import socket
from collections.abc import Iterator

import pytest

from products_service import waiting
from products_service.serving import hub as hubs
from products_service.serving.hub import Hub
from tests.unit.hubs import Clock


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def clock(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(hub)
    monkeypatch.setattr(hubs, "time", clock)
    monkeypatch.setattr(hub, "_epoll", clock)
    return clock


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, peer = socket.socketpair()
    with ours, peer:
        ours.setblocking(False)
        yield ours, peer


@pytest.fixture
def installed(hub: Hub) -> Iterator[Hub]:
    """The process's way to wait."""
    waiting.install(hub)
    yield hub
    waiting.install(None)
