"""The generated catalogue of a first start."""

import tempfile
from contextlib import closing
from pathlib import Path

from etl.connection import Connection
from etl.generate import generate
from etl.limits import MAX_REJECTS
from etl.load import NotFirstError, load
from etl.load_lock import RunningError
from etl.outcome import Outcome
from etl.progress import Progress


def ensure_sample(url: str, products: int) -> bool:
    """Load a generated catalogue where none was ever loaded; return whether it did.

    It goes the same way as any other. Raises EtlError, OSError.
    """
    with closing(Connection(url)) as connection:
        if connection.value("get_load_number"):
            return False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "generated")
        generate(folder, products)
        try:
            load(url, Outcome(folder), Path(name), MAX_REJECTS, Progress(), first=True)
        except (NotFirstError, RunningError):  # somebody has loaded another one meanwhile, or does
            return False
    return True
