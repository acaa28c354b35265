"""The CPU time of groups of processes, and of the machine, as Linux accounts for it."""

import os
import resource
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, counted from the state on, which follows the name in parentheses: user and
# system time of the process, and of those that it has started and waited for.
PARENT = 1
TIMES = slice(11, 15)
# How often to ask anew: where processes begin and end all the time, there is no calm moment.
TRIES = 5
# Of the first line of /proc/stat, which is of all cores: proc_stat(5).
STOLEN = 8


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes and all that descend from them, ended ones included.

    Asked anew, a few times, where one begins or ends meanwhile: the times of one that ends after
    its parent was read would be missing.
    """
    roots = list(pids)
    members = _members(roots)
    for _ in range(TRIES):
        ticks = sum(sum(map(int, _stat(member)[TIMES])) for member in members)
        before, members = members, _members(roots)
        if members == before:
            break
    return ticks / TICKS


def stolen_seconds() -> float:
    """Return for how long virtual cores that had work were kept from it, all of them together.

    By their hypervisor, since the start, as the kernel knows it; 0 where it knows of none.
    """
    try:
        return int((PROC / "stat").read_text("ascii").split()[STOLEN]) / TICKS
    except OSError:
        return 0.0


def _members(pids: Iterable[int]) -> set[int]:
    return {member for pid in pids for member in family(pid)}


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    for member in found:
        try:
            for file in PROC.glob(f"{member}/task/*/children"):
                found += map(int, file.read_text().split())
        except OSError:
            continue  # it, or a thread of it, has ended meanwhile
    return found


def find_parent(pid: int, name: str) -> int | None:
    """Return the parent of a process of that name; None if there is none here."""
    try:
        called = (PROC / f"{pid}/comm").read_text().strip()
    except OSError:
        return None
    return int(_stat(pid)[PARENT]) if called == name else None


def find_by_title(root: int, word: bytes) -> list[int]:
    """Return those below `root` that have a word in their command line, the uppermost ones."""
    found: list[int] = []
    covered: set[int] = set()
    for pid in family(root):
        if pid not in covered and word in _title(pid):
            found.append(pid)
            covered.update(family(pid))
    return found


def _stat(pid: int) -> list[str]:
    try:
        return (PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        # it has ended, and its parent has its times now
        return ["0"] * 20


def _title(pid: int) -> bytes:
    try:
        return Path(PROC / f"{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def metering(groups: Mapping[str, Iterable[int]]) -> Iterator[dict[str, float]]:
    """Yield the CPU seconds that each group takes during the block, complete after it.

    What the block itself starts and waits for is the group "generator".
    """
    taken: dict[str, float] = {}
    before = {name: cpu_seconds(pids) for name, pids in groups.items()}
    children = _of_children()
    yield taken
    for name, pids in groups.items():
        taken[name] = cpu_seconds(pids) - before[name]
    taken["generator"] = _of_children() - children


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
