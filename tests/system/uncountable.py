"""The service where no new count can be begun, as when the folder of counts is lost or full."""

import errno
import os
from typing import NoReturn

from prometheus_client import values

from products_service import create_app


def refuse(*_: object, **__: object) -> NoReturn:
    """Fail as making a file does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


application = create_app()
values.ValueClass = refuse
