"""Where a cluster is: the addresses and folders of its members, which other commands look up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from products_service.embedded.place import CLUSTER

ADDRESS = "127.0.0.1"
FIRST_HOST = 11  # 127.0.0.11
MOST_HOSTS = 200
NGINX = "nginx"


@dataclass(frozen=True)
class Layout:
    """A cluster in a folder: nginx and all hosts listen on `port`, each at its own address."""

    folder: Path
    port: int
    hosts: tuple[str, ...]

    @property
    def nginx(self) -> Path:
        """The folder of nginx."""
        return self.folder / NGINX

    def run_dir(self, host: str) -> Path:
        """Return the folder of a host: its RUN_DIR, and its log."""
        return self.folder / "hosts" / host

    def record(self) -> None:
        """Write down which cluster it is that runs in the folder."""
        new = self.folder / "layout.new"
        new.write_text(json.dumps({"port": self.port, "hosts": self.hosts}))
        new.replace(self.folder / "layout.json")


def cluster_folder(settings: Mapping[str, Any]) -> Path:
    """Return the cluster's folder."""
    return Path(settings["DEVDB_DIR"]).absolute() / CLUSTER


def nginx_folder(settings: Mapping[str, Any]) -> Path:
    """Return the folder of the cluster's nginx."""
    return cluster_folder(settings) / NGINX


def plan(folder: Path, port: int, count: int) -> Layout:
    """Return a cluster of `count` hosts."""
    return Layout(folder, port, tuple(f"127.0.0.{FIRST_HOST + index}" for index in range(count)))


def recorded(folder: Path) -> Layout:
    """Return the cluster that was last run in the folder."""
    record = json.loads((folder / "layout.json").read_text())
    return Layout(folder, record["port"], tuple(record["hosts"]))
