"""What the world can reach, what the roles may do, and where no secret is to be read."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from tests.fleet import network
from tests.fleet.hosts import Host
from tests.fleet.rollout import SHOP, Rollout

pytestmark = pytest.mark.slow

# Prints who takes a connection, of the addresses and ports that it is told.
SCAN = """
import asyncio, json, sys

async def try_one(address, port, turns):
    async with turns:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 0.5)
        except OSError:
            return
        writer.close()
        print(address, port)

async def main():
    turns = asyncio.Semaphore(1000)
    await asyncio.gather(*(try_one(a, p, turns) for a, p in json.load(sys.stdin)))

asyncio.run(main())
"""
# Prints each security group's rules and each running instance's groups.
CLOUD = """
import boto3, json

cloud = boto3.client("ec2")
print(json.dumps({
    "groups": {
        group["GroupName"]: group["IpPermissions"]
        for group in cloud.describe_security_groups()["SecurityGroups"]
    },
    "instances": {
        instance["PrivateIpAddress"]: [group["GroupName"] for group in instance["SecurityGroups"]]
        for reservation in cloud.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] == "running"
    },
}))
"""
# what this machine's own services do not listen on is asked for all the same
USUAL = range(1, 1025)


# Sends what it reads to an address and port, and prints what comes until the end.
SEND = """
import socket, sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as connection:
    connection.sendall(sys.stdin.buffer.read())
    while received := connection.recv(4096):
        sys.stdout.buffer.write(received)
"""


def scan(namespace: str, hosts: list[Host], ports: set[int]) -> dict[str, set[int]]:
    """Return which ports of which hosts take connections from a network."""
    targets = [(host.address, port) for host in hosts for port in sorted(ports)]
    found = subprocess.run(
        [*network.inside(namespace), sys.executable, "-c", SCAN],
        input=json.dumps(targets),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = {host.address: host.name for host in hosts}
    taken: dict[str, set[int]] = {}
    for line in found.splitlines():
        address, port = line.split()
        taken.setdefault(names[address], set()).add(int(port))
    return taken


def test_the_world_reaches_the_balancers_http_and_https_alone(rollout: Rollout) -> None:
    hosts = [host for group in rollout.groups.values() for host in group]
    listening = {
        int(port)
        for host in hosts
        for port in host.run("ss -Htln | awk '{print $4}' | sed 's/.*://'").stdout.split()
    }
    assert {22, 80, 443, 5432, 8000} <= listening
    ports = {*USUAL, *listening}
    assert scan(network.WORLD, hosts, ports) == {"balancer1": {80, 443}}
    administrator = scan(network.ADMIN, hosts, ports)
    assert administrator.pop("balancer1") == {22, 80, 443}
    assert {name: {22} for name in administrator} == administrator
    assert len(administrator) == len(hosts) - 1


def test_ec2_keeps_the_world_to_the_balancers_http_and_https(rollout: Rollout) -> None:
    told = subprocess.run(
        [*network.inside(network.ADMIN), sys.executable, "-c", CLOUD],
        env=rollout.environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    cloud = json.loads(told)
    # an open door in a group that no host has opens nothing
    groups = {name for names in cloud["instances"].values() for name in names}
    opened = {
        (name, rule["FromPort"], rule["ToPort"])
        for name in groups
        for rule in cloud["groups"][name]
        if rule["Ipv6Ranges"] or any(each["CidrIp"] == "0.0.0.0/0" for each in rule["IpRanges"])
    }
    # and whoever has no room for a packet may say so
    too_large = ("products-balancer", 3, 4)
    assert opened == {("products-balancer", 80, 80), ("products-balancer", 443, 443), too_large}
    of_role = {"primary": "database", "standby": "database"}
    assert cloud["instances"] == {
        host.address: [f"products-{of_role.get(role, role)}"]
        for role, hosts in rollout.groups.items()
        for host in hosts
    }


@pytest.mark.parametrize(
    ("port", "sent", "status"),
    [
        (443, b"GET /products HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (80, b"rubbish\r\n\r\n", 400),
        (80, b"GET /products/1 HTTP/1.0\r\n\r\n", 400),
        (80, "GET /products?q=\u00e9 HTTP/1.0\r\nHost: x\r\n\r\n".encode(), 400),
        (80, b"GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % (b"x" * 9000), 431),
    ],
    ids=[
        "http on the port of https",
        "no request",
        "no host to lead to",
        "other bytes than a URL has",
        "a long header",
    ],
)
def test_what_is_no_request_to_either_port_is_told_so(
    rollout: Rollout, port: int, sent: bytes, status: int
) -> None:
    (balancer,) = rollout.groups["balancer"]
    argv = [*network.inside(network.WORLD), sys.executable, "-c", SEND, balancer.address, str(port)]
    answer = subprocess.run(argv, input=sent, check=True, capture_output=True).stdout
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status


def test_http_leads_to_https(rollout: Rollout) -> None:
    (balancer,) = rollout.groups["balancer"]
    argv = [*network.inside(network.WORLD), sys.executable, "-c", SEND, balancer.address, "80"]
    sent = f"GET /products/1 HTTP/1.0\r\nHost: {SHOP}\r\n\r\n".encode()
    answer = subprocess.run(argv, input=sent, check=True, capture_output=True).stdout
    head = answer.partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 308 ")
    assert f"Location: https://{SHOP}/products/1".encode() in head
    for name in (b"X-Request-ID: ", b"X-Content-Type-Options: nosniff", b"Content-Security-Policy"):
        assert name in head


def test_what_serves_cannot_write(rollout: Rollout) -> None:
    app = rollout.groups["app"][-1]
    # Where it could be written, were it allowed to.
    program = """
import os, psycopg2
url = os.environ["DATABASE_URL"].replace("=prefer-standby", "=read-write")
connection = psycopg2.connect(url, options="-c default_transaction_read_only=off")
connection.autocommit = True
for statement in STATEMENTS:
    try:
        connection.cursor().execute(statement)
        print("done", statement)
    except psycopg2.errors.InsufficientPrivilege:
        print("refused")
"""
    statements = [
        "DELETE FROM catalogue.products",
        "UPDATE catalogue.published_load SET number = 0",
        "INSERT INTO etl.loads DEFAULT VALUES",
        "TRUNCATE catalogue.skus",
        "CREATE TABLE catalogue.mine ()",
        "CREATE TABLE public.mine ()",
        "CREATE SCHEMA mine",
        "SET ROLE products_owner",
        "SELECT pg_read_file('/etc/passwd')",
    ]
    said = app.run(
        "systemd-run --pipe --wait --quiet --property=User=products"
        " --property=EnvironmentFile=/etc/products/products.env"
        " /opt/products/current/venv/bin/python -"
        f" <<'END'\nSTATEMENTS = {statements!r}{program}END"
    )
    assert said.stdout.split("\n")[:-1] == ["refused"] * len(statements)


@pytest.fixture(scope="module")
def secrets(rollout: Rollout) -> list[str]:
    """The passwords and keys of this fleet, each by a line that no other text has."""
    values = {}
    for name in ("secrets", "tls"):
        path = rollout.inventory / "group_vars" / "all" / f"{name}.yml"
        values |= yaml.safe_load(rollout.run("ansible-vault", "view", str(path)).stdout)
    return [
        value.splitlines()[1] if "PRIVATE KEY" in value else value
        for name, value in values.items()
        if "certificate" not in name
    ]


def test_secrets_are_in_no_log_and_no_argument(rollout: Rollout, secrets: list[str]) -> None:
    with arguments() as seen:
        rollout.play("site", "-vvv", "--diff")
        rollout.load()
    assert any(b"flask etl load" in each.replace(b"\0", b" ") for each in seen)
    shown = [*(each.decode("utf-8", "replace") for each in seen), *rollout.logs()]
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


@contextmanager
def arguments() -> Iterator[set[bytes]]:
    """Collect what the processes of this machine, all hosts' included, are called with."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(path.read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def test_secrets_are_in_nothing_that_all_may_read(rollout: Rollout, secrets: list[str]) -> None:
    patterns = "\\n".join(secrets)
    for host in (host for group in rollout.groups.values() for host in group):
        found = host.run(
            f"printf '{patterns}\\n' >/run/patterns; chmod 600 /run/patterns; "
            "for at in / /run /tmp /dev/shm; do find $at -xdev -path /usr/lib -prune"
            " -o -path /usr/share -prune -o -type f -perm /o=r -print0; done"
            " | xargs -0 grep -lsF -f /run/patterns; "
            "cat /proc/[0-9]*/cmdline | grep -caF -f /run/patterns; "
            "journalctl --quiet | grep -F -f /run/patterns; "
            "grep -rlF -f /run/patterns /var/log; rm /run/patterns"
        )
        assert found.stdout == "0\n", host.name


@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ("app", "products"),
        ("app", "products-load"),
        ("balancer", "nginx"),
        ("standby", "products-backup"),
    ],
)
def test_units_are_hardened(rollout: Rollout, group: str, unit: str) -> None:
    said = (
        rollout.groups[group][0].run(f"systemd-analyze security --no-pager {unit}.service").stdout
    )
    (exposure,) = re.findall(r"Overall exposure level for \S+: (\S+)", said)
    assert float(exposure) < 3.0
