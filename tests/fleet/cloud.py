"""An EC2 of one's own: moto says what there is, the hypervisor makes it so."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fleet import hosts, network

PORT = 5000
# What leads boto3 there, and nowhere else.
ENVIRONMENT = {
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORT}",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
# As Debian publishes them.
IMAGE = {
    "ami_id": "ami-0123456789abcdef0",
    "name": "debian-12-amd64-20260101-0000",
    "owner_id": "136693071363",
    "description": "Debian 12",
    "architecture": "x86_64",
    "creation_date": "2026-01-01T00:00:00.000Z",
    "image_type": "machine",
    "public": True,
    "root_device_name": "/dev/xvda",
    "root_device_type": "ebs",
    "virtualization_type": "hvm",
}


@contextmanager
def cloud(folder: Path) -> Iterator[None]:
    """Run both in the administrator's network, which is made anew; nothing is left of it after."""
    hosts.base()
    hosts.down()
    network.make_network()
    images = folder / "images.json"
    images.write_text(json.dumps([IMAGE]), "ascii")
    moto = [Path(sysconfig.get_path("scripts"), "moto_server"), "-H", "127.0.0.1", "-p", str(PORT)]
    hypervisor = [sys.executable, "-m", "tests.fleet.hypervisor"]
    try:
        with (
            beside_administrator(moto, folder / "moto.log", MOTO_AMIS_PATH=str(images)),
            beside_administrator(hypervisor, folder / "hypervisor.log") as process,
        ):
            yield
            assert process.poll() is None, (folder / "hypervisor.log").read_text("utf-8")
    finally:
        hosts.down()


@contextmanager
def beside_administrator(
    argv: list[str | Path], log: Path, **environment: str
) -> Iterator[subprocess.Popen]:
    """Run a program in the administrator's network while the block runs."""
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*network.inside(network.ADMIN), *argv],
            cwd=Path(__file__).parents[2],
            env=os.environ | ENVIRONMENT | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
