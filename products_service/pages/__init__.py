"""The pages for people: the shop at /, the API's description at /docs, and their files."""

from products_service.pages.openapi import describe
from products_service.pages.routes import blueprint

__all__ = ["blueprint", "describe"]
