"""Who takes connections goes on, whatever keeps it from taking one."""

import errno
import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from products_service.serving import acceptor
from products_service.serving.acceptor import Acceptor
from products_service.serving.hub import Hub
from tests.unit.hubs import run


class Obstructed:
    """A listener whose clients cannot be taken, as often as there are errors."""

    def __init__(self, listener: socket.socket, *errors: int) -> None:
        self._listener = listener
        self._errors = list(errors)

    def accept(self) -> tuple[socket.socket, Any]:
        if self._errors:
            number = self._errors.pop()
            raise OSError(number, os.strerror(number))
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.EPERM, errno.ENETDOWN])
def test_a_client_that_cannot_be_taken_is_taken_later(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(acceptor, "NO_ROOM_SECONDS", 0.01)
    share = SimpleNamespace(tell=lambda count: None, is_ample=lambda: False)
    begun: list[socket.socket] = []
    said: list[str] = []
    log = SimpleNamespace(warning=lambda *words: said.append(words[0] % words[1:]))
    hub = Hub()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        taking = Acceptor(
            hub,
            [Obstructed(listener, number)],
            share,
            10,
            lambda connection, *addresses: begun.append(connection),
            log,
        )
        taking.watch()
        with socket.create_connection(listener.getsockname()):
            run(hub, lambda: begun)
            begun[0].close()
    assert said == [f"{os.strerror(number)}: taking no connection for a while"]
