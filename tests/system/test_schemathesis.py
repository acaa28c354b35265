"""The running service does what its description says, tried with thousands of requests.

schemathesis makes them: the description's examples, the boundaries of every parameter, any valid
and invalid values, and walks along the links from answer to answer.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etl.generate import generate
from tests.catalogue import load_catalogue
from tests.conftest import PATIENT, Database
from tests.system.service import Service, serving

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
# seconds; a limit on what hangs, not a promise
HANG = 600


@pytest.fixture(scope="module")
def service(
    clone: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service with a generated catalogue."""
    database = clone()
    folder = tmp_path_factory.mktemp("generated")
    generate(folder / "catalogue", 300, dirty=True)
    load_catalogue(database.etl, folder / "catalogue", folder)
    with serving(database, **PATIENT) as service:
        yield service


def attempt(service: Service, folder: Path, phases: str) -> dict:
    """Let schemathesis loose on the service and return its report on what went well."""
    # From a file: of the address that a description comes from it would not try that operation.
    (folder / "openapi.json").write_bytes(service.get("/openapi.json").body)
    report = folder / "report.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", HERE / "schemathesis.toml"),
            *("run", "openapi.json", "--url", service.url, "--phases", phases),
            *("--report-json-path", report),
        ],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_checks.py")},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(report.read_text("utf-8"))
    assert result["complete"]
    succeeded = [name for name, phase in result["phases"].items() if phase["status"] == "success"]
    assert ",".join(succeeded) == phases
    return result


def test_each_operation_is_as_described(service: Service, tmp_path: Path) -> None:
    result = attempt(service, tmp_path, "examples,coverage,fuzzing")
    assert result["operations"]["tested"] == result["operations"]["total"] == 30
    assert result["test_cases"]["generated"] >= 2500


# Apart: after the other phases, schemathesis ends this one early.
def test_walks_along_links_are_as_described(service: Service, tmp_path: Path) -> None:
    result = attempt(service, tmp_path, "stateful")
    assert result["test_cases"]["generated"] >= 1000
