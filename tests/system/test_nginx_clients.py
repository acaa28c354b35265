"""Who a client is to nginx: its address, or what a proxy in front says; and how much it may ask."""

import json
import re
import socket
import subprocess
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.programs import ROOT
from tests.system.fleet import Fleet, check_problem, receive_all
from tests.system.service import LOOPBACK
from tests.waiting import HANG, wait_for

pytestmark = pytest.mark.slow

PATH = "/products/1"
CLIENT, PROXY = "127.0.0.99", "127.0.0.98"
TEMPLATE = ROOT / "ansible" / "roles" / "nginx" / "templates" / "listen.conf.j2"
# Beyond the one that is always let in; and 200 a second.
BURST = 401
RATE = 200
UNDER_WAY = 200


def pipelined(
    fleet: Fleet, count: int, source: str, path: str = PATH, said: str = ""
) -> list[bytes]:
    """Ask for a path so many times on one connection, without waiting; return the answers.

    `said` is more lines of each request's head.
    """
    asked = f"GET {path} HTTP/1.1\r\nHost: shop\r\n{said}"
    with closing(
        socket.create_connection((LOOPBACK, fleet.port), HANG, source_address=(source, 0))
    ) as connection:
        connection.sendall(
            (f"{asked}\r\n" * (count - 1) + f"{asked}Connection: close\r\n\r\n").encode()
        )
        received = receive_all(connection)
    answers = re.findall(rb"HTTP/1\.1 .*?(?=HTTP/1\.1 |\Z)", received, re.DOTALL)
    assert len(answers) == count
    return answers


def statuses(answers: list[bytes]) -> Counter[bytes]:
    return Counter(answer[9:12] for answer in answers)


@pytest.fixture
def files(fleet: Fleet) -> Iterator[Path]:
    """The folder of what nginx.conf includes, which is afterwards what it was."""
    folder = fleet.nginx / "nginx"
    shipped = {path: path.read_bytes() for path in folder.iterdir()}
    yield folder
    for path, content in shipped.items():
        path.write_bytes(content)
    fleet.reload()


def test_an_address_is_limited_unless_it_is_listed(fleet: Fleet, files: Path) -> None:
    (files / "unlimited.conf").write_text(f"{LOOPBACK} 1;\n")
    fleet.reload()
    fleet.get(PATH)
    started = time.monotonic()
    answers = pipelined(fleet, 900, CLIENT)
    seconds = time.monotonic() - started
    found = statuses(answers)
    assert set(found) == {b"200", b"429"}
    assert BURST <= found[b"200"] <= BURST + RATE * (seconds + 0.1)
    check_problem(next(answer for answer in answers if answer[9:12] == b"429"), 429)
    assert set(statuses(pipelined(fleet, 900, LOOPBACK))) == {b"200"}


def test_an_address_has_so_many_requests_under_way(fleet: Fleet, files: Path) -> None:
    (files / "unlimited.conf").write_text("")
    fleet.reload()
    fleet.get(PATH)
    begun = b"POST /products HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as connections:
        for _ in range(UNDER_WAY):
            connection = socket.create_connection(
                (LOOPBACK, fleet.port), HANG, source_address=(CLIENT, 0)
            )
            connections.enter_context(closing(connection)).sendall(begun)
        wait_for(lambda: statuses(pipelined(fleet, 1, CLIENT)) == {b"429": 1})
        assert statuses(pipelined(fleet, 1, PROXY)) == {b"200": 1}
    wait_for(lambda: statuses(pipelined(fleet, 1, CLIENT)) == {b"200": 1})


def test_what_ends_with_its_worker_is_a_line_too(fleet: Fleet) -> None:
    path = "/products?ends=with-its-worker"
    begun = f"POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: 99\r\n\r\n"
    with closing(socket.create_connection((LOOPBACK, fleet.port), HANG)) as connection:
        connection.sendall(begun.encode())
        time.sleep(0.5)  # it cannot be seen from here that it is read
        fleet.reload()
        # worker_shutdown_timeout; each byte is one more that client_body_timeout waits for
        for _ in range(8):
            with suppress(OSError):
                connection.sendall(b"x")
            time.sleep(2)
        (logged,) = wait_for(lambda: [entry for entry in fleet.log() if entry["path"] == path])
    assert logged["status"] == 0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the playbooks write as listen.conf where a proxy is trusted."""
    variables = {
        "ansible_managed": "a test",
        "nginx_tls": False,
        "nginx_trusted_proxies": [f"{PROXY}/32"],
    }
    program = Path(sysconfig.get_path("scripts")) / "ansible"
    made = tmp_path_factory.mktemp("written") / "listen.conf"
    subprocess.run(
        [
            *(program, "localhost", "--connection", "local"),
            *("--module-name", "ansible.builtin.template"),
            *("--args", json.dumps({"src": str(TEMPLATE), "dest": str(made)})),
            *("--extra-vars", json.dumps(variables)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return made.read_text()


@pytest.fixture
def behind_a_proxy(fleet: Fleet, files: Path, written: str) -> None:
    assert "listen 80 " in written
    listen = written.replace("listen 80 ", f"listen {LOOPBACK}:{fleet.port} ")
    (files / "listen.conf").write_text(listen)
    (files / "unlimited.conf").write_text("")
    fleet.reload()


@pytest.mark.usefixtures("behind_a_proxy")
@pytest.mark.parametrize(
    ("source", "forwarded", "client"),
    [
        (PROXY, "198.51.100.7", "198.51.100.7"),
        (PROXY, "2001:db8::7", "2001:db8::7"),
        # what the client made up stands first
        (PROXY, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (PROXY, f"198.51.100.7, {PROXY}", "198.51.100.7"),
        (PROXY, "nobody knows", PROXY),
        (CLIENT, "198.51.100.7", CLIENT),
    ],
)
def test_a_trusted_proxy_says_who_the_client_is(
    fleet: Fleet, source: str, forwarded: str, client: str
) -> None:
    path = f"{PATH}?fresh={source}-{forwarded}".replace(" ", "")
    (answer,) = pipelined(fleet, 1, source, path, f"X-Forwarded-For: {forwarded}\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    # a worker writes its lines a second late
    (logged,) = wait_for(lambda: [entry for entry in fleet.log() if entry["path"] == path])
    assert logged["client"] == client


@pytest.mark.usefixtures("behind_a_proxy")
def test_each_client_of_a_proxy_has_a_limit_of_its_own(fleet: Fleet) -> None:
    fleet.get(PATH)
    greedy, modest = (f"X-Forwarded-For: 198.51.100.{host}\r\n" for host in (7, 8))
    found = statuses(pipelined(fleet, 900, PROXY, said=greedy))
    assert set(found) == {b"200", b"429"}
    assert set(statuses(pipelined(fleet, 100, PROXY, said=modest))) == {b"200"}


@pytest.mark.usefixtures("behind_a_proxy")
def test_a_network_of_ipv6_is_one_client(fleet: Fleet) -> None:
    fleet.get(PATH)
    one, another, stranger = (
        f"X-Forwarded-For: 2001:db8:0:{address}\r\n" for address in ("a::7", "a:0:8::1", "b::7")
    )
    pipelined(fleet, 900, PROXY, said=one)
    assert b"429" in statuses(pipelined(fleet, 300, PROXY, said=another))
    assert set(statuses(pipelined(fleet, 300, PROXY, said=stranger))) == {b"200"}
