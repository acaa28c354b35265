"""Clients at a fixed rate over kept connections, for measuring: they cost the machine little.

    python -m tests.fleet.paced ADDRESS NAME CA-FILE RATE SECONDS kept|new cached|uncached <paths

prints a JSON object when the time is over: how many answers came, by what the balancer's cache
said of them, and how many requests failed.
"""

import http.client
import itertools
import json
import random
import socket
import ssl
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

# of each client
ADDRESSES = [f"203.0.113.{number}" for number in range(101, 117)]
TIMEOUT = 5  # seconds


class Connection(http.client.HTTPSConnection):
    """To the name's address, whatever a resolver would say."""

    def __init__(self, own: str, address: str, name: str, context: ssl.SSLContext) -> None:
        super().__init__(name, timeout=TIMEOUT)
        self._own = own
        self._address = address
        self._name = name
        self._tls = context

    def connect(self) -> None:
        """Connect. Raises OSError."""
        plain = socket.create_connection((self._address, 443), TIMEOUT, (self._own, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)


def main() -> None:
    """Ask until the time is over."""
    address, name, authority, rate, seconds, kept, cached = sys.argv[1:]
    paths = sys.stdin.read().split()
    context = ssl.create_default_context(cafile=authority)
    clients = len(ADDRESSES)
    pause = clients / float(rate)
    ends = time.monotonic() + float(seconds)

    def ask_in_turn(number: int) -> Counter[str]:
        seen: Counter[str] = Counter()
        connection = Connection(ADDRESSES[number], address, name, context)
        mine = paths[number::clients] or paths
        random.shuffle(mine)
        due = time.monotonic() + pause * number / clients
        for path in itertools.cycle(mine):
            time.sleep(max(0, due - time.monotonic()))
            due += pause
            if time.monotonic() >= ends:
                break
            separator = "&" if "?" in path else "?"
            asked = path if cached == "cached" else f"{path}{separator}n={time.time_ns()}"
            try:
                connection.request("GET", asked)
                answer = connection.getresponse()
                answer.read()
                # a catalogue has gaps, and 404 is an answer
                answered = answer.status in (200, 404)
                seen[str(answer.headers["X-Cache"]) if answered else "failed"] += 1
            except (OSError, http.client.HTTPException):
                seen["failed"] += 1
                connection.close()
            if kept == "new":
                connection.close()
        return seen

    with ThreadPoolExecutor(clients) as threads:
        print(json.dumps(sum(threads.map(ask_in_turn, range(clients)), Counter())))


if __name__ == "__main__":
    main()
