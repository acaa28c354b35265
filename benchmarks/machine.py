"""On what a benchmark ran, and of which commit."""

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def describe_machine() -> dict[str, Any]:
    """Return what a reader needs to judge the figures; nothing that names the machine."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        # not what a build of the kernel is called
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def find_commit() -> str | None:
    """Return the commit of the checkout that this runs from, "+" after it if files differ.

    Results, of which a run of all benchmarks leaves some before the next, are not among these.
    """
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return None
    others = (":(top)", ":(top,exclude)benchmarks/results")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *others)
    return commit + ("+" if changed else "")


def _git(*arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    asked = subprocess.run(
        [program, "-C", str(HERE), *arguments], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.returncode == 0 else None
