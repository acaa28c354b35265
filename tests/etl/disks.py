"""Small disks that tests may fill."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.servers import short_folder


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """Yield an empty folder on a file system of its own of so many bytes, which all may enter.

    Skips the test where we may not mount one.
    """
    with tempfile.TemporaryDirectory(prefix="products-disk-", dir=short_folder()) as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", name]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk takes root")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def fill(folder: Path) -> None:
    """Write a file until the disk is full."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as stream:
        while True:
            stream.write(b"\0" * 65_536)
