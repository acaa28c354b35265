"""gunicorn on one app host; the same file on a laptop and on the fleet."""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

_METRICS_PREFIX = "products-service-metrics-"


def _remove_metrics():
    """Remove the folder of the counts, unless somebody else has chosen it."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    if folder.name.startswith(_METRICS_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


_run_dir = os.environ.get("RUN_DIR") or None
_named = f"RUN_DIR={_run_dir}" if _run_dir else "RUN_DIR is not set"
try:
    if _run_dir:
        os.makedirs(_run_dir, mode=0o700, exist_ok=True)
    # The folder in which the workers count, so that whichever is asked can add them up.
    # prometheus_client looks for it when it is imported, which our package does. On SIGHUP this
    # file is run again, and the folder is there.
    if _counts := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        _named = f"PROMETHEUS_MULTIPROC_DIR={_counts}"
        os.makedirs(_counts, mode=0o700, exist_ok=True)
    else:
        # until gunicorn has handlers of its own, who is stopped leaves nothing behind either
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(
            prefix=_METRICS_PREFIX, dir=_run_dir
        )
        # for a start that fails before on_exit would be called; not for the workers, at whose end
        # the others still count there
        atexit.register(_remove_metrics)
        os.register_at_fork(after_in_child=lambda: atexit.unregister(_remove_metrics))
except OSError as error:
    raise SystemExit(
        f"{_named}: {error.strerror}: it must be a folder that gunicorn can write to"
    ) from None

from flask import Flask

from products_service.config import ConfigurationError, host_and_port, load_settings
from products_service.database_urls import database_url
from products_service.embedded import EmbeddedError
from products_service.logs import logging_config
from products_service.ops import multiprocess
from products_service.run_file import HeldError
from products_service.serving import draining, refusals
from products_service.serving.logger import Logger
from products_service.serving.worker import GreenletWorker

try:
    _settings = load_settings()
    # asked for here too, where a reason can be told: the workers would fail, one after the other
    database_url(_settings, "app")
except (ConfigurationError, EmbeddedError) as error:
    raise SystemExit(str(error)) from None

bind = host_and_port(_settings)
if _settings["GUNICORN_WORKER_CLASS"] == "greenlet":
    worker_class = "products_service.serving.worker.GreenletWorker"
    # Requests that are worked on at a time; the others wait their turn. Several for a connection:
    # those who wait for one are answered together (docs/decisions/batches.md).
    threads = 8 * _settings["DB_POOL_SIZE"]
else:
    worker_class = "gthread"
    threads = _settings["GUNICORN_THREADS"]
workers = _settings["GUNICORN_WORKERS"]
# Longer than nginx keeps its upstream connections (60 s): the one that sends must be the one
# that closes, or a request meets a connection that is just being closed and becomes a 502.
keepalive = 75
# What nginx takes, which adds a blank to a field: a line that only it takes would be refused here,
# under another id than nginx answers with. (8190 is all that gunicorn allows for the first.)
limit_request_line = 8190
limit_request_field_size = 8200
# A heartbeat, not a limit on a request: those are the database's deadlines.
timeout = 30
graceful_timeout = 10
# By default SCRIPT_NAME of a trusted peer moves the paths, and those outside of it would be 500.
forwarder_headers = ""
# On by default since 25.1; it has no use here and fails under a hardened systemd unit.
control_socket_disable = True
logger_class = Logger
logconfig_dict = logging_config(_settings["LOG_LEVEL"], _settings["LOG_FORMAT"])

refusals.install(_settings["CORS_ORIGINS"])
pre_request = draining.close_connection


def on_starting(server):
    """Let `flask drain` find us, and sweep away what a killed host of this folder counted."""
    if not _settings["RUN_DIR"]:
        return
    ours = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    try:
        draining.begin(Path(_settings["RUN_DIR"]))
    except HeldError:
        raise SystemExit(
            f"RUN_DIR={_settings['RUN_DIR']}: another gunicorn runs in it; each needs its own"
        ) from None
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise SystemExit(
            f"RUN_DIR={_settings['RUN_DIR']}{where}: {error.strerror}: it must be a folder in "
            "which gunicorn can write, and nobody else"
        ) from None
    for folder in Path(_settings["RUN_DIR"]).glob(f"{_METRICS_PREFIX}*"):
        if folder.name != ours.name:
            shutil.rmtree(folder)


def pre_fork(server, worker):
    """Have a folder for its counts: a worker that finds none does not start, and ends the host."""
    os.makedirs(os.environ["PROMETHEUS_MULTIPROC_DIR"], mode=0o700, exist_ok=True)


def post_worker_init(worker):
    """Open the connections to the database before taking any from clients."""
    if isinstance(worker.wsgi, Flask):
        worker.wsgi.extensions["database"].warm_up()


def child_exit(server, worker):
    """Let the others know that a worker has ended: who is killed has not told them."""
    multiprocess.forget(worker.pid)
    if isinstance(worker, GreenletWorker):
        worker.ended()


def on_exit(server):
    """Leave nothing behind."""
    _remove_metrics()
