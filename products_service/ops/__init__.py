"""What operators and balancers ask of a host."""

from products_service.ops.openapi import describe
from products_service.ops.routes import blueprint

__all__ = ["blueprint", "describe"]
