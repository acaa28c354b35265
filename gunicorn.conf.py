"""gunicorn on one app host; the same file on a laptop and on the fleet."""

from products_service.config import ConfigurationError, load_settings

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
