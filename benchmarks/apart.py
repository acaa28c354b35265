"""Part of a benchmark in a process of its own, in which the service runs as in a worker's."""

import json
import sys
import tempfile
from typing import Any

from benchmarks.programs import run
from benchmarks.servers import plain_environment


def run_apart(module: str, argument: str, text: str | None = None, **variables: str) -> Any:
    """Run `python -m MODULE ARGUMENT` and return what it printed, as JSON. Raises BenchmarkError.

    `text` is what it reads. Its counts are in files, as under gunicorn: what counts is chosen when
    the service is imported, for the whole process.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = plain_environment() | {"PROMETHEUS_MULTIPROC_DIR": folder} | variables
        return json.loads(run([sys.executable, "-m", module, argument], environment, text))
