"""The pages for people: the shop at /, and the files that pages are made of."""

from products_service.pages.openapi import describe
from products_service.pages.routes import blueprint

__all__ = ["blueprint", "describe"]
