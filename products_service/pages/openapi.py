"""The part of the API's description that is about the pages."""

from products_service.web.components import PAGE
from products_service.web.openapi import Description
from products_service.web.operations import Operation

GROUP = "pages"
HTML = {"text/html": {"schema": {"type": "string"}}}


def describe(description: Description) -> None:
    """Describe the pages."""
    description.add_group(GROUP, "For people.")
    for path, operation in OPERATIONS.items():
        description.add_route(path, operation)


OPERATIONS = {
    "/": Operation(
        name="showShop",
        group=GROUP,
        summary="Show the shop",
        description="A small shop on this API: what it asks for, any front end may.",
        answer="The page.",
        content=HTML,
        cache_control=PAGE,
    ),
    "/docs": Operation(
        name="showDocs",
        group=GROUP,
        summary="Show this description to read",
        description="With a form for each operation that tries it out.",
        answer="The page.",
        content=HTML,
        cache_control=PAGE,
    ),
}
