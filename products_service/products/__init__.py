"""The catalogue's resources: products, their styles and their related products."""

from products_service.products.openapi import describe
from products_service.products.routes import blueprint

__all__ = ["blueprint", "describe"]
