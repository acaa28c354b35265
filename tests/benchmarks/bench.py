"""How the tests of the benchmarks run `flask bench ...` on a small catalogue."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from etl.generate import generate
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.system.service import ROOT, environment

# seconds; a limit on what hangs, not a promise
HANG = 600
PRODUCTS = 300


def loaded(database: Database, folder: Path) -> Database:
    """Return the database once it serves a small catalogue."""
    generate(folder / "csv", PRODUCTS)
    load_catalogue(database.etl, folder / "csv", folder)
    return database


def run(
    database: Database | None, *arguments: str | Path, status: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `flask bench ...` in the checkout. A traceback is never an answer."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "bench", *map(os.fspath, arguments)],
        cwd=ROOT,
        env=environment(database) | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
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
