"""How the tests of the benchmarks run `flask bench ...` on a generated catalogue."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from etl.generate import generate
from tests.catalogue import load_catalogue
from tests.conftest import PATIENT, Database
from tests.programs import ROOT, environment

# seconds; a limit on what hangs, not a promise
HANG = 600
PRODUCTS = 300


def loaded(database: Database, folder: Path, products: int = PRODUCTS) -> Database:
    """Return the database once it serves a catalogue, a small one if not told otherwise."""
    generate(folder / "csv", products)
    load_catalogue(database.etl, folder / "csv", folder)
    return database


def command(database: Database | None, *arguments: str | Path, **variables: str) -> dict[str, Any]:
    """Return what starts `flask bench ...` in the checkout, as keywords for subprocess."""
    return {
        "args": [sys.executable, "-m", "flask", "bench", *map(os.fspath, arguments)],
        "cwd": ROOT,
        "env": environment(database) | variables,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def unhurried(folder: Path) -> dict[str, str]:
    """Return variables that give all Python programs limits which a slow machine does not run into.

    Benchmarks keep settings from what they start, which would not be as it is shipped.
    """
    (folder / "sitecustomize.py").write_text(f"import os\nos.environ.update({PATIENT!r})\n")
    return {"PYTHONPATH": str(folder)}


def run(
    database: Database | None, *arguments: str | Path, status: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `flask bench ...` to its end. A traceback is never an answer."""
    done = subprocess.run(**command(database, *arguments, **variables), timeout=HANG, check=False)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.returncode == status, done.stderr
    return done


def result(output: Path, name: str) -> dict[str, Any]:
    """Return what a benchmark has written, with what every result says of itself."""
    found = json.loads((output / f"{name}.json").read_text("utf-8"))
    assert found["benchmark"] == name
    assert found["command"].startswith(f"flask bench {name}")
    assert found["machine"]["cores"] > 0
    assert 0 <= found["stolen"] < 1
    assert "commit" in found
    assert found["programs"]["pgbench"]
    return found
