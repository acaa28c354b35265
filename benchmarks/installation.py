"""The peers, installed under build/ in the versions of their lock files."""

import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.prerequisites import find_programs
from benchmarks.programs import run
from benchmarks.steps import step

SOURCES = Path(__file__).parent / "peers"
BUILD = Path("build/peers")
NODE_PEERS = ("express", "fastify")
VENV = "venv"


def install_peers() -> Path:
    """Return the folder of the installed peers, with one folder for each.

    Installed anew only where a lock file has changed. Raises BenchmarkError.
    """
    npm = find_programs("node", "npm")["npm"]
    shutil.copytree(SOURCES, BUILD, dirs_exist_ok=True)
    for peer in NODE_PEERS:
        folder = BUILD / peer
        quiet = ("--no-audit", "--no-fund", "--loglevel=error")
        _install(folder / "package-lock.json", [[npm, "ci", *quiet, "--prefix", folder]])
    folder = BUILD / "fastapi"
    pip = [folder / VENV / "bin" / "pip", "--disable-pip-version-check", "install", "--quiet"]
    requirements = folder / "requirements.txt"
    make = [sys.executable, "-m", "venv", "--clear", folder / VENV]
    _install(requirements, [make, [*pip, "-r", requirements]])
    return BUILD.absolute()


def _install(lock: Path, commands: Sequence[Sequence[str | Path]]) -> None:
    """Run the commands unless they were run for the same lock file before."""
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    done = lock.with_name("installed")
    if done.exists() and done.read_text() == wanted:
        return
    with step(f"installing the peer {lock.parent.name}"):
        for command in commands:
            run(command)
    done.write_text(wanted)
