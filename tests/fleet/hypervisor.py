"""Makes moto's instances real: a host for each, at its address, as long as it runs.

    python -m tests.fleet.hypervisor

asks AWS_ENDPOINT_URL again and again, until SIGTERM. What is started from an image gets the disk of
the instance that the image was made of.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import EndpointConnectionError

from tests.fleet import hosts
from tests.fleet.hosts import Host

PAUSE = 1.0  # seconds between two looks


class Hypervisor:
    """What was made so far of what EC2 is said to have."""

    def __init__(self) -> None:
        self._ec2 = boto3.client("ec2")
        self._hosts: dict[str, Host] = {}
        self._running: set[str] = set()
        self._images: set[str] = set()

    def look(self) -> None:
        """Make what has come since, and remove what has gone."""
        instances = {found["InstanceId"]: found for found in self._instances()}
        for image in self._ec2.describe_images(Owners=["self"])["Images"]:
            if image["ImageId"] not in self._images:
                self._images.add(image["ImageId"])
                hosts.make_image(self._builder(instances), image["ImageId"])
        for name, instance in instances.items():
            state = instance["State"]["Name"]
            if state == "running" and name not in self._running:
                self._switch_on(name, instance)
            elif state != "running" and name in self._running:
                self._running.remove(name)
                self._hosts[name].crash()
            if state == "terminated" and name in self._hosts:
                self._hosts.pop(name).remove()

    def _instances(self) -> Iterator[dict[str, Any]]:
        for page in self._ec2.get_paginator("describe_instances").paginate():
            for reservation in page["Reservations"]:
                yield from reservation["Instances"]

    def _builder(self, instances: dict[str, dict[str, Any]]) -> Host:
        """Return the host that images are made of: moto does not tell of which one an image is."""
        return next(
            self._hosts[name]
            for name, instance in instances.items()
            if name in self._hosts and tag(instance, "ProductsRole") == "builder"
        )

    def _switch_on(self, name: str, instance: dict[str, Any]) -> None:
        if name not in self._hosts:
            image = instance["ImageId"] if instance["ImageId"] in self._images else None
            host = Host(tag(instance, "Name"), instance["PrivateIpAddress"], image)
            host.make()
            self._hosts[name] = host
        self._hosts[name].boot()
        self._running.add(name)
        host = self._hosts[name]
        print(f"{name} is {host.name} at {host.address}, of {host.image}", flush=True)


def tag(instance: dict[str, Any], key: str) -> str:
    """Return the value of an instance's tag; nothing if it has none of that name."""
    return next((each["Value"] for each in instance.get("Tags", []) if each["Key"] == key), "")


def main() -> None:
    """Look until SIGTERM."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    hypervisor = Hypervisor()
    while not told:
        # moto may take longer to start than this
        with suppress(EndpointConnectionError):
            hypervisor.look()
        time.sleep(PAUSE)
    sys.exit()


if __name__ == "__main__":
    main()
