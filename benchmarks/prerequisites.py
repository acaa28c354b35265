"""The programs that a benchmark takes beyond the service: found at its start, or asked for."""

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import suppress

from benchmarks.errors import BenchmarkError
from products_service.cluster.nginx import NginxError
from products_service.cluster.nginx import find_program as find_nginx
from products_service.embedded import EmbeddedError
from products_service.embedded.binaries import wheel_folder
from products_service.extras import how_to_install

# Each with what installs it on Debian or anywhere.
PROGRAMS = {
    "wrk": "apt-get install wrk",
    "node": "apt-get install nodejs (20.12 or later)",
    "npm": "apt-get install npm",
    "k6": how_to_install("bench"),
    "pgbench": how_to_install("embedded"),
}
# What has each say its version.
VERSION = {"wrk": "-v", "node": "--version", "k6": "version", "pgbench": "--version", "nginx": "-v"}


def find_programs(*names: str) -> dict[str, str]:
    """Return the paths of programs. Raises BenchmarkError, which says how to install what lacks."""
    found = _find(*names)
    missing = [f"{name} ({PROGRAMS[name]})" for name, path in found.items() if path is None]
    if missing:
        raise BenchmarkError(f"this benchmark needs {', '.join(missing)}")
    return {name: path for name, path in found.items() if path is not None}


def require_nginx() -> None:
    """Raise BenchmarkError unless there is one that the fleet can run."""
    try:
        find_nginx()
    except NginxError as error:
        raise BenchmarkError(str(error)) from None


def describe_programs() -> dict[str, str]:
    """Return the version of each program that is here and measures, or is measured."""
    found = _find(*VERSION)
    with suppress(NginxError):
        found["nginx"] = find_nginx()
    return {name: _version(name, path) for name, path in found.items() if path}


def _version(name: str, path: str) -> str:
    # wrk ends with 1, nginx says it on stderr
    said = subprocess.run([path, VERSION[name]], capture_output=True, text=True, check=False)
    number = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return number[0] if number else "unknown"


def _find(*names: str) -> dict[str, str | None]:
    places = [*_own_folders(), None]
    return {
        name: next(filter(None, (shutil.which(name, path=place) for place in places)), None)
        for name in names
    }


def _own_folders() -> Iterator[str]:
    """Yield where wheels have put their programs, which need not be on the PATH."""
    yield sysconfig.get_path("scripts")
    try:
        yield str(wheel_folder() / "bin")
    except EmbeddedError:
        return
