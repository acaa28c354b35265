"""A way to a database that can be made slow, or to lead nowhere."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

from tests.conftest import Database
from tests.servers import Server

QUEUE = 128
CHUNK = 1 << 16


class Proxy:
    """A TCP port of this machine that leads to a server's socket; in a thread of its own."""

    def __init__(self, server: Server) -> None:
        self._target = Path(server.sockets, f".s.PGSQL.{server.port}")
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=QUEUE)
        self._listener.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._passing.set()
        self._delay = 0.0
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._run(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def url(self, database: Database) -> str:
        """Return the service's URL of a database through this."""
        port = self._listener.getsockname()[1]
        return f"postgresql://products_app@127.0.0.1:{port}/{database.name}"

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Take connections, and pass nothing on in either direction until the block ends."""
        self._loop.call_soon_threadsafe(self._passing.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._passing.set)

    @contextmanager
    def unroutable(self) -> Iterator[None]:
        """Pass nothing on, and leave whoever wants to connect without an answer."""
        with self.silent(), ExitStack() as queue:
            try:
                fill_queue(self._listener, queue)
                yield
            finally:
                self._listener.listen(QUEUE)

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Take so long to pass on what comes, in each direction."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    def _run(self, function) -> None:
        asyncio.run_coroutine_threadsafe(function(), self._loop).result()

    async def _accept(self) -> None:
        async def forever() -> None:
            while True:
                await self._passing.wait()
                with suppress(OSError):
                    client, _ = await self._loop.sock_accept(self._listener)
                    self._loop.create_task(self._serve(client))

        self._loop.create_task(forever())

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, client: socket.socket) -> None:
        with closing(client), closing(socket.socket(socket.AF_UNIX)) as server:
            client.setblocking(False)
            server.setblocking(False)
            with suppress(OSError):
                await self._loop.sock_connect(server, str(self._target))
                ways = [
                    self._loop.create_task(self._carry(client, server)),
                    self._loop.create_task(self._carry(server, client)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()

    async def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := await self._loop.sock_recv(source, CHUNK):
                await asyncio.sleep(self._delay)
                await self._passing.wait()
                await self._loop.sock_sendall(target, data)
        await self._passing.wait()


def fill_queue(listener: socket.socket, queue: ExitStack) -> None:
    """Fill a listener's queue with connections: then the kernel drops others, as lost routes do."""
    listener.listen(0)
    connected = 0
    while connected == 0:
        client = queue.enter_context(closing(socket.socket()))
        client.settimeout(0.2)
        connected = client.connect_ex(listener.getsockname())
