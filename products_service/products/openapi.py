"""The part of the API's description that is about products."""

import json
from pathlib import Path
from typing import Any

from apispec.ext.marshmallow import OpenAPIConverter
from marshmallow import Schema, fields

from products_service.products.answers import Product, Styles, WholeProduct
from products_service.products.fields import Choices, Ids, Text
from products_service.products.schemas import ListQuery, ProductQuery
from products_service.web.components import CATALOGUE
from products_service.web.openapi import Description
from products_service.web.operations import Operation
from products_service.web.parameters import MAX_ID

# Answers of a small catalogue, each with the path that was asked for; `make examples`.
EXAMPLES = Path(__file__).parent / "examples"
GROUP = "products"
PRODUCT_ID = {
    "name": "product_id",
    "description": "A whole number written without sign or leading zeros. Any other text is 404, "
    "as an id that no product has.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    "example": 1,
}
# Where an answer leads: the operation, and where in the answer the product's id is.
LINKS = {
    "firstOfList": ("getProduct", "$response.body#/0/id"),
    "stylesOfFirst": ("getStyles", "$response.body#/0/id"),
    "relatedOfFirst": ("getRelated", "$response.body#/0/id"),
    "styles": ("getStyles", "$response.body#/id"),
    "related": ("getRelated", "$response.body#/id"),
    "product": ("getProduct", "$response.body#/product_id"),
    "firstRelated": ("getProduct", "$response.body#/0"),
}


def describe(description: Description) -> None:
    """Describe the routes under /products."""
    description.add_group(
        GROUP, "The catalogue. What belongs to a product comes in the order of the source files."
    )
    description.converter.add_attribute_function(limits)
    components = description.spec.components
    components.parameter("product_id", "path", PRODUCT_ID)
    for name, (operation, place) in LINKS.items():
        components.link(name, {"operationId": operation, "parameters": {"product_id": place}})
    for path, operation in operations().items():
        description.add_route(path, operation)


def limits(self: OpenAPIConverter, field: fields.Field, **kwargs: Any) -> dict[str, Any]:
    """Return what a schema says of the limits of products' own kinds of parameters."""
    match field:
        case Ids():
            return {"minItems": 1, "maxItems": field.most}
        case Choices():
            return {"minItems": 1, "uniqueItems": True}
        case Text():
            return {"pattern": r"^[^\u0000]*$"}
    return {}


def json_content(schema: type[Schema] | dict[str, Any], *examples: str) -> dict[str, Any]:
    """Return the content of an answer that is JSON, with examples by their files' names."""
    stored = {name: json.loads((EXAMPLES / f"{name}.json").read_text("utf-8")) for name in examples}
    return {
        "application/json": {
            "schema": schema,
            "examples": {
                name: {"summary": f"GET {example['path']}", "value": example["answer"]}
                for name, example in stored.items()
            },
        }
    }


COMMON = {"group": GROUP, "cache_control": CATALOGUE}
OF_A_PRODUCT = COMMON | {"errors": (404,)}


def operations() -> dict[str, Operation]:
    """Return what GET of each path does."""
    return {
        "/products": Operation(
            name="listProducts",
            summary="List products",
            description="All products in id order, those of a category, those that a search finds, "
            "or those of some ids. `page` goes with `count`, `category` and `q`; `after` with "
            "`count` and `category`; `ids` with none. A page past the end is empty. Other "
            "parameters are ignored.",
            query=ListQuery,
            answer="The products; with `ids` in that order, without ids that no product has.",
            content=json_content(
                {"type": "array", "items": Product}, "list", "list_by_ids", "list_by_search"
            ),
            headers=("Link",),
            links=("firstOfList", "stylesOfFirst", "relatedOfFirst"),
            **COMMON,
        ),
        "/products/{product_id}": Operation(
            name="getProduct",
            summary="Show a product",
            description="A product with its features, and with `include` all that its page shows.",
            path_parameters=("product_id",),
            query=ProductQuery,
            answer="The product.",
            content=json_content(WholeProduct, "product", "product_with_all"),
            links=("styles", "related"),
            **OF_A_PRODUCT,
        ),
        "/products/{product_id}/styles": Operation(
            name="getStyles",
            summary="Show a product's styles",
            description="The styles of a product, each with its photos and its skus.",
            path_parameters=("product_id",),
            answer="The styles.",
            content=json_content(Styles, "styles", "styles_without_anything"),
            links=("product",),
            **OF_A_PRODUCT,
        ),
        "/products/{product_id}/related": Operation(
            name="getRelated",
            summary="List a product's related products",
            description="The ids of related products; the same id may come twice.",
            path_parameters=("product_id",),
            answer="The ids.",
            content=json_content(
                {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": MAX_ID}},
                "related",
            ),
            links=("firstRelated",),
            **OF_A_PRODUCT,
        ),
    }
