"""A control group for each host, by which all of its processes are known and can be killed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

ALL = "fleet"
# systemd-nspawn looks in both, where a machine has both
KINDS = ("cgroup2", "systemd")


def hierarchies() -> dict[str, Path]:
    """Return where the control groups of each kind are mounted."""
    found = {}
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup" and "name=systemd" in options.split(","):
            kind = "systemd"
        if kind in KINDS:
            found.setdefault(kind, Path(place))
    return found


def make(name: str) -> list[Path]:
    """Make the control groups of a host and return them."""
    groups = [place / ALL / name for place in hierarchies().values()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return groups


def kill(name: str) -> None:
    """Kill all processes of a host at once and return when they are gone."""
    group = hierarchies()["cgroup2"] / ALL / name
    if not group.exists():
        return
    (group / "cgroup.kill").write_text("1")
    while "populated 1" in (group / "cgroup.events").read_text("ascii"):
        time.sleep(0.01)


def remove(name: str = "") -> None:
    """Remove the control groups of a host, or of all, which have no processes any more."""
    for place in hierarchies().values():
        top = place / ALL / name
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)


def names() -> Iterator[str]:
    """Yield the names of the hosts that have control groups."""
    for place in hierarchies().values():
        if (place / ALL).is_dir():
            yield from (child.name for child in (place / ALL).iterdir() if child.is_dir())


def cpu_seconds(name: str) -> float:
    """Return how much CPU time a host has used."""
    group = hierarchies()["cgroup2"] / ALL / name
    for line in (group / "cpu.stat").read_text("ascii").splitlines():
        key, value = line.split()
        if key == "usage_usec":
            return int(value) / 1e6
    raise LookupError(f"{group} does not count CPU time")
