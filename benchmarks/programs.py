"""Other programs, run to their end."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BenchmarkError

# Of what a program that failed has printed: characters, the last ones.
SHOWN = 2000


def run(
    argv: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
) -> str:
    """Run a program to its end and return what it printed. Raises BenchmarkError.

    `text` is what it reads; without an environment it has ours.
    """
    done = subprocess.run(
        argv,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise failed(argv, done.returncode, done.stdout + done.stderr)
    return done.stdout


@contextmanager
def started(
    argv: Sequence[str | Path], environment: Mapping[str, str], stderr: int = subprocess.PIPE
) -> Iterator["subprocess.Popen[str]"]:
    """Run a program whose lines the block reads; it has ended after that, and is killed on errors.

    `stderr` is as subprocess.Popen takes it.
    """
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=environment,
    ) as process:
        try:
            yield process
            process.wait()
        except BaseException:
            process.kill()
            raise


def failed(argv: Sequence[str | Path], status: int, printed: str) -> BenchmarkError:
    """Return the error for a program that did."""
    command = " ".join(os.fspath(part) for part in argv)
    return BenchmarkError(f"{command} failed ({status}):\n{printed.strip()[-SHOWN:]}")
