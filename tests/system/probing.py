"""The probe, in the place of the service, on greenlet workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import children
from tests.system.service import Service, serving
from tests.waiting import wait_for

PROBE = "tests.system.probe:application"


@contextmanager
def probe(
    arguments: str = "",
    workers: int = 1,
    config: str | Path = "gunicorn.conf.py",
    **settings: str,
) -> Iterator[Service]:
    """Run the probe, from the moment all its workers are there; `arguments` are gunicorn's."""
    settings |= {
        "GUNICORN_WORKER_CLASS": "greenlet",
        "GUNICORN_WORKERS": str(workers),
        "GUNICORN_CMD_ARGS": arguments,
    }
    with serving(None, application=PROBE, config=config, **settings) as service:
        wait_for(lambda: len(workers_of(service)) == workers)
        yield service


def workers_of(service: Service) -> list[int]:
    """Return the workers that a service has at the moment."""
    return children(service.process.pid)
