"""What operators and balancers ask of a host."""

from products_service.ops.routes import blueprint

__all__ = ["blueprint"]
