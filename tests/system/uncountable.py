"""The service where no new count can be begun, as when the folder of counts is lost or full."""

import errno
import os
from typing import NoReturn

from products_service import create_app
from products_service.ops import metrics


def refuse(*_: object, **__: object) -> NoReturn:
    """Fail as making a file does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


application = create_app()
metrics.FileValue = refuse
