"""Whether this host is about to stop: `flask drain` raises a flag that every worker sees.

The flag is a byte of memory that the workers share with a file in RUN_DIR; looking at it costs
less than a tenth of a microsecond a request.
"""

from mmap import mmap
from pathlib import Path
from typing import Any

from products_service.run_file import LOWERED, RAISED, hold

FILE = "host"
_RAISED = RAISED[0]
_flag: mmap | bytes = LOWERED


def begin(run_dir: Path) -> None:
    """Let `flask drain` find this host. In the process that forks the workers, before it does.

    Raises run_file.HeldError when another host runs in that folder, OSError where it cannot be had.
    """
    global _flag
    _flag = hold(run_dir / FILE)


def is_draining() -> bool:
    """Whether no more requests are wanted here."""
    return _flag[0] == _RAISED


def close_connection(worker: Any, request: Any) -> None:
    """Answer with `Connection: close` while draining. As gunicorn's pre_request."""
    if is_draining():
        request.force_close()
