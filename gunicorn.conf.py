"""gunicorn on one app host; the same file on a laptop and on the fleet."""

import os
import shutil
import tempfile

# The folder in which the workers count, so that whichever is asked can add them up.
# prometheus_client looks for it when it is imported, which our package does.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="products-service-metrics-")

from prometheus_client.multiprocess import mark_process_dead

from products_service.config import ConfigurationError, load_settings
from products_service.logs import logging_config
from products_service.serving import refusals
from products_service.serving.logger import Logger

try:
    _settings = load_settings()
except ConfigurationError as error:
    raise SystemExit(str(error)) from None

bind = f"{_settings['BIND_ADDRESS']}:{_settings['PORT']}"
worker_class = "gthread"
workers = _settings["GUNICORN_WORKERS"]
threads = _settings["GUNICORN_THREADS"]
# Longer than nginx keeps its upstream connections (60 s): the one that sends must be the one
# that closes, or a request meets a connection that is just being closed and becomes a 502.
keepalive = 75
# A heartbeat, not a limit on a request: those are the database's deadlines.
timeout = 30
graceful_timeout = 10
# On by default since 25.1; it has no use here and fails under a hardened systemd unit.
control_socket_disable = True
logger_class = Logger
logconfig_dict = logging_config(_settings["LOG_LEVEL"], _settings["LOG_FORMAT"])

refusals.install()


def child_exit(server, worker):
    """Forget what a worker that has ended said of its present state; its counts stay."""
    mark_process_dead(worker.pid)


def on_exit(server):
    """Leave nothing behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
