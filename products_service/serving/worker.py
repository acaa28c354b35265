"""gunicorn's worker class for this service: one thread, and a greenlet for each connection.

How it was chosen and what it costs: docs/decisions/worker.md.
"""

import math
import os
import select
import socket
from functools import lru_cache, partial
from typing import Any

from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.workers.base import Worker

from products_service import later, waiting
from products_service.serving.acceptor import Acceptor
from products_service.serving.client import Client
from products_service.serving.conversation import Conversation
from products_service.serving.environ import Address, worker_environ
from products_service.serving.hub import Hub
from products_service.serving.settings import frozen, settings_for_peer
from products_service.serving.shares import Shares
from products_service.serving.slots import Slots

BEAT_SECONDS = 1.0
# What a worker that is killed keeps to itself: lines of the log, and counts.
LATER_SECONDS = 0.1
# What leaving takes at most, of graceful_timeout, at whose end the arbiter kills.
LEAVING_SECONDS = 0.5


class GreenletWorker(Worker):
    """Serves HTTP/1.1 over TCP; `threads` is how many requests it works on at a time."""

    shares = Shares()

    @classmethod
    def check_config(cls, config: Config, log: Any) -> None:
        """Refuse what only gunicorn's own worker classes can do. Raises SystemExit."""
        on_tcp = all(isinstance(address, tuple) for address in config.address)
        plain = config.protocol == "http" and config.http_protocols == ["h1"] and not config.is_ssl
        if not (on_tcp and plain and config.proxy_protocol == "off"):
            raise SystemExit(
                "GUNICORN_WORKER_CLASS=greenlet serves HTTP/1.1 over TCP: leave TLS, HTTP/2, "
                "uwsgi, the PROXY protocol and Unix sockets to the balancer, or choose gthread"
            )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._share = self.shares.assign(self)

    def ended(self) -> None:
        """Note, in the process that forked us, that ours has ended: who is killed has not left."""
        self._share.leave()

    def init_process(self) -> None:
        """Prepare what serving takes, in the forked process, and run."""
        self.hub = Hub()
        # before the application is loaded, which may ask its database something
        waiting.install(self.hub)
        later.install(self._arrange)
        self._later_at = math.inf
        self.settings = frozen(self.cfg)
        self.settings_for = lru_cache(256)(partial(settings_for_peer, self.settings))
        self.environ = worker_environ(self.cfg)
        self.slots = Slots(self.hub, self.settings.threads)
        self._conversations: set[Conversation] = set()
        self._acceptor = Acceptor(
            self.hub,
            self.sockets,
            self._share,
            self.settings.worker_connections,
            self._begin,
            self.log,
        )
        self._beat_at = self.hub.now
        super().init_process()

    def run(self) -> None:
        """Serve until told to stop, and then what is still to be served."""
        # a signal writes to it, so that the loop looks at `alive`
        self.hub.watch(self.PIPE[0], partial(os.read, self.PIPE[0], select.PIPE_BUF))
        self._acceptor.watch()
        try:
            while self.alive:
                self._turn(math.inf)
            self._stop()
        finally:
            later.do_due()

    def _arrange(self) -> None:
        """Have what may wait for a moment done after one."""
        self._later_at = self.hub.now + LATER_SECONDS

    def _turn(self, until: float) -> None:
        """Do what is due, and give all who can go on a turn."""
        if self._later_at <= self.hub.now:
            self._later_at = math.inf
            later.do_due()
        self._beat()
        self.hub.turn(min(self._beat_at, self._later_at, until))

    def _beat(self) -> None:
        """Once a second tell the arbiter that we are alive, and look whether it is."""
        if self.hub.now < self._beat_at:
            return
        self._beat_at = self.hub.now + BEAT_SECONDS
        self.notify()
        if self.alive and self.ppid != os.getppid():
            self.log.info("Parent changed, shutting down: %s", self)
            self.alive = False

    def _stop(self) -> None:
        """Answer what has come and what is on its way, while graceful_timeout lasts."""
        self._acceptor.stop()
        for conversation in self._conversations:
            conversation.hurry()
        end = self.hub.now + max(0.0, self.settings.graceful_timeout - LEAVING_SECONDS)
        while self._conversations and self.hub.now < end:
            self._turn(end)

    def _begin(self, connection: socket.socket, address: Address, server: Address) -> None:
        conversation = Conversation(self, Client(self.hub, connection), address, server)
        self._conversations.add(conversation)
        self.hub.spawn(conversation.run)

    def forget(self, conversation: Conversation) -> None:
        """Note that a conversation has ended."""
        self._conversations.remove(conversation)
        self._acceptor.ended()

    def count(self, request: Request) -> None:
        """Note that a request begins, and have its connection closed if it is our last."""
        self.settings.pre_request(self, request)
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        if not self.alive or not self.settings.keepalive:
            request.force_close()
